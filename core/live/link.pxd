cimport cython

from sock.engine.job cimport Job as CJob
from sock.live.lane cimport Lane
from sock.live.ref cimport LiveRef


@cython.final
cdef class Link(Lane):
    cdef double _closing_at
    cdef object _on_over
    cdef public LiveRef ref

    cpdef abort(self)
    cpdef ended(self)
    cpdef drained(self)
    cpdef lost(self)
    cpdef close(self, code, detail)
    cpdef start(self, CJob job)
    cpdef cancel(self, CJob job)
    cpdef hold(self)
    cpdef resume(self)
    cpdef over(self)
    cdef _read_on(self)
    cdef double _send_due(self, double now) except? -1
    cdef _release(self)
