cimport cython

from sock.runtime.turn cimport Turned


cdef bint changed(context, before) except -1


@cython.final
cdef class Scope:
    cdef public object context
    cdef public object inside
    cdef readonly object pristine
    cdef Py_ssize_t size  # of what it began with

    cpdef fresh(self)
    cpdef Scope here(self)


cdef class Scoped(Turned):
    cdef public Scope scope

    cdef object enter(self)
    cdef int leave(self, context) except -1
    cpdef Scope own(self)
    cpdef go_on(self)
    cpdef look(self, double now)
    cpdef finish_up(self, timeout)
