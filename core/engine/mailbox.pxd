cimport cython


@cython.final
cdef class Mailbox:
    cdef list _entries
    cdef Py_ssize_t _taken
    cdef Py_ssize_t _infos
    cdef object _max_infos
    cdef public Py_ssize_t ahead
    cdef public Py_ssize_t high_water

    cpdef put(self, kind, value, Py_ssize_t size)
    cpdef bint put_info(self, info) except -1
    @cython.locals(entries=list)
    cpdef tuple take(self)
    cpdef clear(self)
    @cython.locals(waiting=Py_ssize_t)
    cdef _append(self, entry)
