cimport cython


@cython.final
cdef class Job:
    cdef public object awaitable
    cdef public object handle
    cdef public object iterator
    cdef public object place
    cdef public object role
    cdef public object stream
    cdef public bint cancelled
    cdef public double since
