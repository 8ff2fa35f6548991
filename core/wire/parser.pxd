cimport cython

from sock.wire.assembly cimport Assembly


@cython.final
cdef class Parser:
    cdef bint _finished
    cdef object _inflater
    cdef int _masked
    cdef Py_ssize_t _max_fragments
    cdef Py_ssize_t _max_size
    cdef Assembly _message
    cdef Py_ssize_t _offset
    cdef bytes _rest
    cdef int _short
    cdef public Py_ssize_t messages
    cdef public Py_ssize_t payload_bytes

    cdef bint _pause(self, bytes data, Py_ssize_t position) except -1
    cdef _finish(self)
    cdef tuple _step(self, bytes data, Py_ssize_t position, Py_ssize_t end)
    cdef tuple _begin_frame(self, bytes data, Py_ssize_t position, Py_ssize_t end)
    cdef _end_frame(self, Assembly message)
