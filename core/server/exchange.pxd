cimport cython

from sock.server.service cimport Service


@cython.final
cdef class Exchange:
    cdef object _key
    cdef bint _over
    cdef object _requester
    cdef Service _service
    cdef object _task
    cdef public bint keep_alive
    cdef public object request

    cpdef cancel(self)
    cdef _believe_proxy(self)
    cdef bint _asks_for_health(self)
    cdef _call(self, bint full)
    cdef _begin_waiting(self, answer)
    cdef _settle(self, answer, error)
    cdef _answer(self, answer)
    cdef _accept(self, upgrade)
    cdef _send(self, response)
