cimport cython

from sock.server.connection cimport Connection
from sock.server.server cimport Server


@cython.final
cdef class Exchange:
    cdef Connection _connection
    cdef object _key
    cdef bint _over
    cdef Server _server
    cdef object _task
    cdef public bint keep_alive
    cdef public object request

    cpdef cancel(self)
    cdef bint _asks_for_health(self)
    cdef _check(self, bint full)
    cdef _check_draining(self)
    cdef _begin_waiting(self, answered)
    cdef _settle(self, answered, error)
    cdef _take(self, answered)
    cdef _upgrade(self, key, upgrade)
    cdef _refuse(self, refusal)
    cdef _send(self, response)
