cimport cython


@cython.final
cdef class Acceptance:
    cdef readonly object agreement
    cdef readonly bytes head


cdef dict _fields(request)
cdef list _elements(dict fields, field)
cdef bint _names(dict fields, field, token) except -1
cdef _single(dict fields, name)
cdef _host(request, dict fields)
cdef _check_offers(dict fields)
