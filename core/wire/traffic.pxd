cimport cython


@cython.final
cdef class Traffic:
    cdef public Py_ssize_t messages
    cdef public Py_ssize_t payload_bytes

    cpdef add(self, Py_ssize_t size)
