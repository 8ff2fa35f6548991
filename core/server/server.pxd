cimport cython

from sock.loop.reactor cimport Reactor
from sock.loop.scope cimport Scope


@cython.final
cdef class Server:
    cdef public object app
    cdef public object options
    cdef public object health
    cdef public dict state
    cdef public object loop
    cdef public bint debug
    cdef public Reactor reactor
    cdef public bint only_upgrades
    cdef public Scope scope
    cdef public bint draining
    cdef public set pending
    cdef public set links
    cdef public object host
    cdef public object port
    cdef public list _listeners
    cdef object _drained
    cdef object _empty
    cdef object _closed

    cpdef link_made(self, link)
    cdef _look_empty(self)
