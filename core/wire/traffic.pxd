cimport cython


@cython.final
cdef class Traffic:
    cdef public Py_ssize_t messages
    cdef public Py_ssize_t payload_bytes

    cpdef add(self, Py_ssize_t size)


@cython.final
cdef class BothWays:
    cdef Traffic _received
    cdef Traffic _sent

    @cython.locals(process=Traffic)
    cpdef received(self, Py_ssize_t size)
    @cython.locals(process=Traffic)
    cpdef sent(self, Py_ssize_t size)
    cpdef tuple figures(self)
