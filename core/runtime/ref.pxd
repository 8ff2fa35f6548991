cimport cython


@cython.final
cdef class LiveRef:
    cdef object _link
    cdef object _request

    cpdef send(self, info)
    cpdef detach(self)


@cython.final
cdef class Later:
    cdef object _handle
    cdef object _info
    cdef object _link
    cdef object _ref
