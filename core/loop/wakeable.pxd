cdef class Wakeable:
    cdef public bint woken

    cpdef turn(self)
