from sock.engine.keepalive cimport Keepalive as CKeepalive
from sock.engine.lifecycle cimport Lifecycle as CLifecycle
from sock.live.infos_from_threads cimport InfoCount as CInfoCount
from sock.loop.reactor cimport Reactor as CReactor
from sock.loop.scope cimport Scope, Scoped


cdef class LiveConnection(Scoped):
    cdef double _alarm_at
    cdef list _done_callbacks
    cdef object _letting_go
    cdef double _opened_at
    cdef object _options
    cdef set _timers
    cdef list _waiters
    cdef public bint debug
    cdef public CInfoCount infos_from_threads
    cdef readonly CKeepalive keepalive
    cdef public CLifecycle lifecycle
    cdef readonly CReactor reactor
    cdef public object request
    cdef public Py_ssize_t slot
    cdef public object state
    cdef readonly object throttle

    cdef _set_up(
        self,
        CReactor reactor,
        request,
        handler,
        options,
        CKeepalive keepalive,
        bint debug,
        Scope scope,
    )
    cpdef wake(self)
    cpdef bint overdue(self) except -1
    cpdef alarm(self, seconds)
    cpdef bint within_rate(self, size) except -1
    cpdef finish(self)
    cpdef tuple traffic(self)
    cpdef arm(self)
    cpdef arm_soon(self)
    cpdef bint offer(self, info) except -1
    cpdef bint count_info(self) except -1
    cpdef admit(self, info)
    cdef CInfoCount _begin_to_count(self)
    cpdef add_done_callback(self, callback)
    cpdef wake_waiters(self)
