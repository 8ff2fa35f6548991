cimport cython

from sock.live.live_connection cimport LiveConnection
from sock.live.ref cimport LiveRef
from sock.live.send_queue cimport SendQueue as CSendQueue
from sock.wire.traffic cimport BothWays as CBothWays


@cython.final
cdef class Bridge(LiveConnection):
    cdef object _cancelled
    cdef object _close_job
    cdef object _close_sender
    cdef object _ended
    cdef bint _in_turn
    cdef double _max_size
    cdef object _on_unsendable
    cdef CSendQueue _queue
    cdef object _reader
    cdef object _reading_resumed
    cdef object _wire
    cdef CBothWays _traffic
    cdef public LiveRef ref

    cpdef push(self, message)
    cdef _deliver(self, message)
    cdef _take_end(self, end)
    cdef _receive_again(self)
    cdef _send_soon(self)
    cdef _drop_queue(self)
    cdef _finish_close_job(self)
