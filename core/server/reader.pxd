cimport cython


@cython.final
cdef class Reader:
    cdef Py_ssize_t _empty_lines
    cdef Py_ssize_t _begin
    cdef bytearray _body
    cdef bint _chunk_begun
    cdef bint _complete
    cdef bytes _data
    cdef Py_ssize_t _fed
    cdef Py_ssize_t _framing_left
    cdef bint _head_done
    cdef bint _in_body
    cdef Py_ssize_t _max_body_size
    cdef Py_ssize_t _max_head_size
    cdef object _parser
    cdef object _peer
    cdef Py_ssize_t _piece_left
    cdef object _request
    cdef public bint expects_continue
    cdef public bint keep_alive
    cdef public bint unfinished

    cpdef feed(self, bytes data)
    cpdef bytes take_rest(self)
    cpdef close(self)
    cpdef next(self)
    cdef bint _read_head(self) except -1
    cdef _drop_empty_lines(self)
    cdef _parse(self, bytes data)
    cdef _begin_message(self, head)
    cdef bint _read_body(self) except -1
    cdef Py_ssize_t _read_line(self, bytes data, Py_ssize_t at) except -1
    cdef _too_large(self)
    cdef _end_message(self)
