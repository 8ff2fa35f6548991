cimport cython


@cython.final
cdef class Acceptance:
    cdef readonly object agreement
    cdef readonly bytes head


cdef dict _fields(request)
cdef list _elements(request, field)
cdef bint _names(request, field, token) except -1
cdef _single(request, name)
cdef _host(request)
cdef _check_offers(request)
