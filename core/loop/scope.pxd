cimport cython

from sock.loop.raw_pipe cimport RawReceiver


cdef bint has_changed(context, before) except -1


@cython.final
cdef class Scope:
    cdef public object context
    cdef public object entered_by
    cdef readonly object original
    cdef Py_ssize_t size  # how many variables were set at first

    cpdef new_context(self)
    cpdef Scope for_current_context(self)


cdef class Scoped(RawReceiver):  # a class in C has one base, and a lane is both
    cdef public Scope scope

    cdef object enter(self)
    cdef int leave(self, context) except -1
    cpdef call_in_scope(self, act, argument)
    cpdef Scope own_scope(self)
    cpdef go_on(self)
    cpdef look(self, double now)
    cpdef finish_up(self, timeout)
