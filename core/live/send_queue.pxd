cimport cython

from sock.engine.outbox cimport Outbox as COutbox


@cython.final
cdef class SendQueue:
    cdef object _connection
    cdef object _loop
    cdef COutbox _outbox
    cdef double _sending_since
    cdef object _wire
    cdef public bint closing
    cdef public object items
    cdef public Py_ssize_t size
    cdef public object task

    cpdef put(self, message, Py_ssize_t size)
    cpdef clear(self)
    cpdef begin(self)
