cdef class Turned:
    cdef public bint woken

    cpdef turn(self)
