"""The context of a connection, compiled: the twin of `src/sock/loop/scope.py`, same names.

The difference: a context is entered and left without a call in Python.
"""

cimport cython

import contextvars

from libc.stdint cimport int64_t

from sock.loop.raw_pipe cimport RawReceiver

from sock.loop.slow_callback import SLOW_NANOSECONDS, report_slow_turn


cdef extern from "clock.h":
    int64_t sock_coarse_time() noexcept nogil


cdef int64_t SLOW = SLOW_NANOSECONDS


cdef extern from "Python.h":
    Py_ssize_t PyObject_Size(object value) except -1
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1


cdef bint has_changed(context, before) except -1:
    """Tell whether a variable was set, also to an equal value: a list may be filled later."""
    cdef Py_ssize_t size = PyObject_Size(context)
    if size != PyObject_Size(before):
        return True
    if size == 0:  # mostly so; an iterator would cost as much as a callback
        return False
    for variable, value in context.items():
        if before.get(variable, Scope) is not value:
            return True
    return False


@cython.final
cdef class Scope:
    """A context, which connections may share."""

    def __init__(self, context, *, bint shared=False):
        self.context = context
        self.original = context.copy() if shared else None
        self.size = PyObject_Size(context)

    cpdef new_context(self):
        """Return a new context with the variables that a shared scope has at first."""
        return self.original.copy()

    cpdef Scope for_current_context(self):
        """Return the scope for a connection that is accepted now: this one, or one of its own."""
        context = contextvars.copy_context()
        return Scope(context) if has_changed(context, self.original) else self

    def run(self, act, *arguments):
        """Take a step of a coroutine in this scope, and tell of it if it takes too long."""
        cdef int64_t begun
        if self.entered_by is not None:
            return act(*arguments)
        PyContext_Enter(self.context)
        self.entered_by = self
        begun = sock_coarse_time()
        try:
            return act(*arguments)
        finally:
            PyContext_Exit(self.context)
            self.entered_by = None
            if sock_coarse_time() - begun >= SLOW:
                report_slow_turn(sock_coarse_time() - begun)


cdef class Scoped(RawReceiver):
    """An object whose turns, deadlines and drain run in a scope."""

    def __init__(self, Scope scope not None):
        self.scope = scope

    cpdef turn(self):
        """Do the work that waits."""
        cdef object context = self.enter()
        try:
            self.go_on()
        finally:
            self.leave(context)

    def tick(self, double now, /):
        """Check which deadlines are due."""
        cdef object context = self.enter()
        try:
            self.look(now)
        finally:
            self.leave(context)

    def shutdown(self, timeout, /):
        """Drain: let callbacks finish within `timeout` seconds, then close with 1012."""
        cdef object context = self.enter()
        try:
            self.finish_up(timeout)
        finally:
            self.leave(context)

    # The same, from within the scope.

    cpdef go_on(self):
        """Do the work that waits, within the scope."""
        raise NotImplementedError

    cpdef look(self, double now):
        """Check which deadlines are due, within the scope."""
        raise NotImplementedError

    cpdef finish_up(self, timeout):
        """Drain, within the scope."""
        raise NotImplementedError

    def run_in_scope(self, act, *arguments):
        """Call a function in the scope; if this is within the scope already, just call it."""
        cdef object context = self.enter()
        try:
            return act(*arguments)
        finally:
            self.leave(context)

    cpdef call_in_scope(self, act, argument):
        """Do the same as `run_in_scope` for a function of one argument, in less time."""
        cdef object context = self.enter()
        try:
            return act(argument)
        finally:
            self.leave(context)

    cdef object enter(self):
        """Enter the scope; return the context to leave, or None if this is within the scope already."""
        cdef Scope scope = self.scope
        if scope.entered_by is not None:
            if scope.entered_by is self or scope.original is None:
                return None
            # A callback of another connection is running the event loop.
            scope = self.scope = Scope(scope.new_context())
        PyContext_Enter(scope.context)
        scope.entered_by = self
        return scope.context

    cdef int leave(self, context) except -1:
        """Leave a context that `enter` has returned."""
        cdef Scope scope
        cdef Py_ssize_t size
        if context is None:
            return 0
        PyContext_Exit(context)
        scope = self.scope
        scope.entered_by = None
        if scope.original is not None:
            size = PyObject_Size(context)
            if size != scope.size or (size and has_changed(context, scope.original)):
                self.own_scope()
        return 0

    cpdef Scope own_scope(self):
        """Return the scope of this object, which it shares with no other one from now on."""
        cdef Scope scope = self.scope, mine
        if scope.original is None:
            return scope
        if scope.entered_by is not None and scope.entered_by is not self:
            # The context belongs to another connection, whose callback runs at this moment.
            self.scope = mine = Scope(scope.new_context())
            return mine
        self.scope = mine = Scope(scope.context)
        mine.entered_by = scope.entered_by
        scope.context = scope.new_context()
        scope.entered_by = None
        return mine
