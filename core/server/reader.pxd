cimport cython


@cython.final
cdef class Reader:
    cdef Py_ssize_t _ahead
    cdef Py_ssize_t _at
    cdef Py_ssize_t _body_left
    cdef bint _complete
    cdef bytes _data
    cdef Py_ssize_t _fed
    cdef bint _head_done
    cdef bint _in_body
    cdef Py_ssize_t _max_head_size
    cdef object _parser
    cdef object _peer
    cdef object _request
    cdef public bint expects_continue
    cdef public bint keep_alive

    cpdef feed(self, bytes data)
    cpdef bytes take_rest(self)
    cpdef close(self)
    cpdef next(self)
    cdef bint _read_head(self) except -1
    cdef _drop_empty_lines(self)
    cdef _parse(self, bytes data)
    cdef _begin_message(self, head)
    cdef bint _read_body(self) except -1
    cdef _end_message(self)
