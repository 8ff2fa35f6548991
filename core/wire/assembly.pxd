cimport cython


@cython.final
cdef class Assembly:
    cdef public Py_ssize_t left
    cdef public bint final
    cdef bytearray _buffer
    cdef bytes _key
    cdef bint _text
    cdef bytes _tail
    cdef object _inflater
    cdef Py_ssize_t _received
    cdef Py_ssize_t _fragments
    cdef Py_ssize_t _max_size
    cdef Py_ssize_t _max_fragments

    cdef _inflate(self, inflater, bytes piece)
    cdef _append(self, bytes piece)
    cdef _check(self, bytes piece)
