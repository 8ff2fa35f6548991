from sock.engine.callbacks cimport Callbacks
from sock.engine.jobs cimport Jobs
from sock.engine.mailbox cimport Mailbox
from sock.engine.outbox cimport Outbox


cdef class Ending(Callbacks):
    cdef bint _abandoned
    cdef object _requested_stop
    cdef object _host
    cdef object _options
    cdef bint _proceeding
    cdef readonly Jobs jobs
    cdef public bint busy
    cdef public object cause
    cdef public bint peer_gone
    cdef public bint reading
    cdef public bint ready
    cdef public bint throttled
    cdef public object phase
    cdef public Mailbox mailbox
    cdef public Outbox outbox

    cdef _finish_without_peer(self, why)
    cdef _begin_finishing(self, why, bound)
    cdef _send_close(self, why)
    cdef _begin_ending(self)
    cdef _terminate(self)
    cdef _become_over(self)
    cpdef forget(self)
    cdef _abandon(self)
    cdef _set_reading(self)
