cimport cython


@cython.final
cdef class Outbox:
    cdef public object limit
    cdef public object timeout
    cdef public bint full
    cdef public Py_ssize_t dropped
    cdef object _since
    cdef object _taken

    cpdef bint update(self, Py_ssize_t pending) except -1
    cpdef double due(self, double now, Py_ssize_t pending, Py_ssize_t taken) except? -1
