from sock.engine.job cimport Job as CJob
from sock.live.live_connection cimport LiveConnection


cdef class TcpConnection(LiveConnection):
    cdef double _closing_at
    cdef object _on_over

    cdef _set_up_end(self, on_over)
    cpdef double send_due(self, double now) except? -1
    cpdef start(self, CJob job)
    cpdef cancel(self, CJob job)
    cpdef end_broken(self, error)
    cpdef note_lost(self)
    cpdef release(self)
