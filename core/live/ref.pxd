cimport cython

from sock.engine.lifecycle cimport Lifecycle
from sock.live.lane cimport Lane


@cython.locals(life=Lifecycle, ours=LiveRef)
cpdef send_all(refs, info)


@cython.final
cdef class LiveRef:
    cdef Lane _lane
    cdef object _link
    cdef object _request
    cdef readonly Lifecycle life

    @cython.locals(life=Lifecycle, lane=Lane)
    cpdef send(self, info)
    cpdef shut(self)
    cpdef detach(self)


@cython.final
cdef class Later:
    cdef object _handle
    cdef object _info
    cdef object _link
    cdef object _ref
