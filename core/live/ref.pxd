cimport cython

from sock.engine.lifecycle cimport Lifecycle
from sock.live.live_connection cimport LiveConnection as CLiveConnection
from sock.loop.reactor cimport Reactor


cpdef send_all(refs, info)
cpdef push_all(refs, message)


@cython.locals(
    life=Lifecycle,
    ours=LiveRef,
    connection=CLiveConnection,
    inside=Reactor,
    reactor=Reactor,
    entered=cython.bint,
)
cdef _send_each(refs, info, message)


@cython.final
cdef class LiveRef:
    cdef readonly CLiveConnection connection
    cdef object _request
    cdef readonly Lifecycle lifecycle

    @cython.locals(connection=CLiveConnection, life=Lifecycle)
    cpdef send(self, info)
    cpdef close(self)
    cpdef drop_connection(self)


@cython.final
cdef class DelayedSend:
    cdef CLiveConnection _connection
    cdef object _handle
    cdef object _info
    cdef object _ref
