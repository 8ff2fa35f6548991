cimport cython

from sock.engine.callbacks cimport Callbacks
from sock.engine.job cimport Job
from sock.engine.jobs cimport Jobs
from sock.engine.mailbox cimport Mailbox
from sock.engine.outbox cimport Outbox


@cython.final
cdef class Lifecycle(Callbacks):
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
    cdef public object phase
    cdef public Mailbox mailbox
    cdef public Outbox outbox

    cpdef open(self)
    cpdef bint receive(self, message) except -1
    cpdef post(self, info)
    cpdef overflowed(self)
    cpdef stop(self, stop)
    cpdef step(self)
    cpdef note_pending(self, Py_ssize_t pending)
    cpdef take_result(self, result)
    cpdef take_error(self, error)
    cpdef job_returned(self, Job job, result)
    cpdef job_raised(self, Job job, error)
    cpdef job_spawned(self, Job job)
    cpdef job_yielded(self, Job job, item)
    cdef _job_ended(self, Job job)
    cpdef peer_closed(self, code, detail, answer)
    cpdef lost(self)
    cpdef timed_out(self)
    cpdef too_slow(self)
    cpdef violated(self, error)
    cpdef shutdown(self, timeout)
    cpdef alarmed(self)
    cdef _proceed(self)
    cdef _call(self, callback, argument, place)
    cdef _carry_out(self, result, place)
    cdef bint _push(self, messages, place) except -1
    cdef _carry_out_stop(self, stop, place)
    cdef _fail_for_breach(self, what, place)
    cdef _fail(self, error, place)
    cdef _finish_without_peer(self, why)
    cdef _begin_finishing(self, why, bound)
    cdef _send_close(self, why)
    cdef _begin_ending(self)
    cdef _terminate(self)
    cdef _become_over(self)
    cpdef forget(self)
    cdef _abandon(self)
    cdef _set_reading(self)
