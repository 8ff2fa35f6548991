cimport cython


@cython.final
cdef class AsgiWire:
    cdef object _receive
    cdef object _send
    cdef bint _tells_detail
