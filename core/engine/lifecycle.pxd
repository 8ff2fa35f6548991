cimport cython

from sock.engine.ending cimport Ending
from sock.engine.job cimport Job


@cython.final
cdef class Lifecycle(Ending):
    cpdef open(self)
    cpdef bint receive(self, message) except -1
    cpdef post(self, info)
    cpdef overflowed(self)
    cpdef stop(self, stop)
    cpdef step(self)
    cpdef note_pending(self, Py_ssize_t pending)
    cpdef hold_back(self)
    cpdef let_go(self)
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
