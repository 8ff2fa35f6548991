cimport cython


@cython.final
cdef class Keepalive:
    cdef object _idle_timeout
    cdef object _ping_interval
    cdef object _held
    cdef double _pinged
    cdef public double heard

    cpdef hold(self, double now)
    cpdef resume(self, double now)
    cpdef check(self, double now)
    cpdef double due(self) except? -1
