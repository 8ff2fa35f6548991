cimport cython


@cython.final
cdef class InfoCount:
    cdef object _limit
    cdef object _tickets
    cdef public Py_ssize_t admitted

    cpdef bint take_place(self) except -1
