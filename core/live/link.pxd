cimport cython

from sock.engine.job cimport Job as CJob
from sock.live.infos cimport Inlet as CInlet
from sock.live.lane cimport Lane
from sock.live.ref cimport LiveRef


@cython.final
cdef class Link(Lane):
    cdef double _alarm_at
    cdef double _closing_at
    cdef object _done
    cdef public bint held
    cdef bint _lost
    cdef object _on_over
    cdef double _opened_at
    cdef object _options
    cdef bint _over
    cdef object _timers
    cdef object _waiters
    cdef public CInlet inlet
    cdef public LiveRef ref
    cdef public object request
    cdef public object slot

    cpdef abort(self)
    cpdef ended(self)
    cpdef drained(self)
    cpdef lost(self)
    cpdef post(self, info)
    cpdef admit(self, info)
    cpdef close(self, code, detail)
    cpdef start(self, CJob job)
    cpdef cancel(self, CJob job)
    cpdef hold(self)
    cpdef resume(self)
    cpdef wake(self)
    cpdef bint overdue(self) except -1
    cpdef alarm(self, seconds)
    cpdef over(self)
    cpdef add_done_callback(self, callback)
    cdef _read_on(self)
    cdef _arm_soon(self)
    cdef double _send_due(self, double now) except? -1
    cdef _wake_waiters(self)
    cdef _let_go(self)
