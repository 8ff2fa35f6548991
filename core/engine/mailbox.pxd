cimport cython


@cython.final
cdef class Mailbox:
    cdef object _entries
    cdef Py_ssize_t _infos
    cdef object _max_infos
    cdef public Py_ssize_t ahead
    cdef public Py_ssize_t high_water

    cpdef put(self, kind, value, Py_ssize_t size)
    cpdef bint put_info(self, info) except -1
    cpdef tuple take(self)
    cpdef clear(self)
    cdef _append(self, kind, value, Py_ssize_t cost)
