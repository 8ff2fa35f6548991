cimport cython

from sock.live.ref cimport LiveRef
from sock.live.tcp_connection cimport TcpConnection
from sock.wire.traffic cimport BothWays as CBothWays


@cython.final
cdef class EngineConnection(TcpConnection):
    cdef bint _ending_tcp
    cdef bint _in_turn
    cdef bint _peer_done
    cdef object _unread
    cdef object _wire
    cdef CBothWays _traffic
    cdef public LiveRef ref

    cpdef push(self, message)
