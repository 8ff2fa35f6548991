from sock.loop.reactor cimport Reactor
from sock.loop.scope cimport Scope


cdef class Service:
    cdef public object app
    cdef public object options
    cdef public object health
    cdef public dict state
    cdef public object loop
    cdef public bint debug
    cdef public Reactor reactor
    cdef public object sock_class
    cdef public Scope scope
    cdef public object trusted
    cdef public object root_path
    cdef public bint proxy_protocol
    cdef public bint draining
    cdef public set http_connections
    cdef public set live_connections
    cdef readonly object on_link_over
    cdef object _empty
    cdef public object max_connections
    cdef public object address_limits

    cpdef bint is_full(self) except -1
    cpdef http_begun(self, connection)
    cpdef http_over(self, connection)
    cpdef link_made(self, link)
    cdef _look_empty(self)
