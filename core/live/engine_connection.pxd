cimport cython

from sock.live.live_connection cimport LiveConnection
from sock.live.ref cimport LiveRef
from sock.wire.traffic cimport BothWays as CBothWays


@cython.final
cdef class EngineConnection(LiveConnection):
    cdef double _closing_at
    cdef bint _ending_tcp
    cdef bint _in_turn
    cdef object _on_over
    cdef bint _peer_done
    cdef object _unread
    cdef object _wire
    cdef CBothWays _traffic
    cdef public LiveRef ref

    cpdef push(self, message)
