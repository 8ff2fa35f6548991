cimport cython

from sock.server.service cimport Service


@cython.final
cdef class Server(Service):
    cdef public object host
    cdef public object port
    cdef public tuple urls
    cdef object _bound
    cdef public list _listeners
    cdef object _certificates
    cdef object _tls
    cdef object _drained
    cdef object _closed
