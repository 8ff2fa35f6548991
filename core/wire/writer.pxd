cimport cython


@cython.final
cdef class Writer:
    cdef object _deflater
    cdef object _mask
    cdef bint _plain

    cpdef push(self, bytearray out, message)
    cdef _append(self, bytearray out, int first, payload)
