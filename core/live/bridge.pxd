cimport cython

from sock.engine.job cimport Job as CJob
from sock.engine.keepalive cimport Keepalive as CKeepalive
from sock.engine.lifecycle cimport Lifecycle as CLifecycle
from sock.live.infos cimport Inlet as CInlet
from sock.live.ref cimport LiveRef
from sock.loop.scope cimport Scoped


@cython.final
cdef class Bridge(Scoped):
    cdef double _alarm_at
    cdef object _cancelled
    cdef object _closing
    cdef list _done
    cdef object _farewell
    cdef object _foreign
    cdef bint _in_turn
    cdef CKeepalive _keepalive
    cdef double _max_size
    cdef double _opened_at
    cdef object _options
    cdef object _out
    cdef object _over
    cdef object _reader
    cdef object _resumed
    cdef bint _close_sent
    cdef object _sender
    cdef double _since
    cdef object _undone
    cdef list _waiters
    cdef public bint debug
    cdef public CInlet inlet
    cdef public CLifecycle lifecycle
    cdef public Py_ssize_t pending
    cdef public object reactor
    cdef public LiveRef ref
    cdef public object request
    cdef public object slot
    cdef public set timers

    cpdef push(self, message)
    cdef _deliver(self, message)
    cdef _part(self, end)
    cdef _settle_close(self)
