cimport cython

from sock.engine.lifecycle cimport Lifecycle
from sock.runtime.lane cimport Lane


@cython.final
cdef class LiveRef:
    cdef Lane _lane
    cdef Lifecycle _lifecycle
    cdef object _link
    cdef object _request

    @cython.locals(life=Lifecycle, lane=Lane)
    cpdef send(self, info)
    cpdef detach(self)


@cython.final
cdef class Later:
    cdef object _handle
    cdef object _info
    cdef object _link
    cdef object _ref
