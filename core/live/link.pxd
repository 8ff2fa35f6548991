cimport cython

from sock.live.lane cimport Lane
from sock.live.ref cimport LiveRef


@cython.final
cdef class Link(Lane):
    cdef public LiveRef ref

    cpdef abort(self)
    cpdef ended(self)
    cpdef drained(self)
    cpdef lost(self)
    cpdef close(self, code, detail)
    cpdef hold(self)
    cpdef resume(self)
    cpdef over(self)
    cdef _read_on(self)
