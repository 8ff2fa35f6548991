cimport cython


@cython.final
cdef class Inlet:
    cdef object _bound
    cdef object _tickets
    cdef public Py_ssize_t admitted

    cpdef bint full(self) except -1
