cimport cython


@cython.final
cdef class Writer:
    cdef object _deflater
    cdef object _mask
    cdef bint _plain
    cdef public Py_ssize_t messages
    cdef public Py_ssize_t payload_bytes

    cpdef push(self, bytearray out, message)
    cdef _append(self, bytearray out, int first, payload)
