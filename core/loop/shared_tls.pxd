cimport cython

from sock.loop.reactor cimport Reactor
from sock.loop.wakeable cimport Wakeable


@cython.final
cdef class SharedTLS(Wakeable):
    cdef readonly Reactor reactor
    cdef readonly object new_tls
    cdef readonly object incoming
    cdef readonly object outgoing
    cdef readonly object feed
    cdef readonly object take
    cdef readonly bytes plain_answer
    cdef object _waiting

    cpdef empty(self)
    cpdef queue(self, pipe)
