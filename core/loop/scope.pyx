"""The context of a connection, compiled: the twin of `src/sock/loop/scope.py`, same names.

What is different: a context is entered and left without a call of Python's.
"""

cimport cython

import contextvars

from sock.loop.raw_pipe cimport RawReceiver


cdef extern from "Python.h":
    Py_ssize_t PyObject_Size(object value) except -1
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1


cdef bint has_changed(context, before) except -1:
    """Tell whether a variable was set. Equal is not enough: an empty list may be filled later."""
    cdef Py_ssize_t size = PyObject_Size(context)
    if size != PyObject_Size(before):
        return True
    if size == 0:  # as mostly; an iterator would cost as much as a callback
        return False
    for variable, value in context.items():
        if before.get(variable, Scope) is not value:
            return True
    return False


@cython.final
cdef class Scope:
    """A context, and whether it is shared."""

    def __init__(self, context, *, bint shared=False):
        self.context = context
        self.original = context.copy() if shared else None
        self.size = PyObject_Size(context)

    cpdef new_context(self):
        """Return a new context, with what a shared scope begins with."""
        return self.original.copy()

    cpdef Scope for_current_context(self):
        """Return the scope for what is accepted now: this shared one, or one with what was set."""
        context = contextvars.copy_context()
        return Scope(context) if has_changed(context, self.original) else self

    def run(self, act, *arguments):
        """Run a step of a coroutine in it."""
        if self.entered_by is not None:
            return act(*arguments)
        PyContext_Enter(self.context)
        self.entered_by = self
        try:
            return act(*arguments)
        finally:
            PyContext_Exit(self.context)
            self.entered_by = None


cdef class Scoped(RawReceiver):
    """Somebody whose turns, deadlines and drain run in a scope."""

    def __init__(self, Scope scope not None):
        self.scope = scope

    cpdef turn(self):
        """Do what has come up since."""
        cdef object context = self.enter()
        try:
            self.go_on()
        finally:
            self.leave(context)

    def tick(self, double now, /):
        """Look at the deadlines: some time may have come."""
        cdef object context = self.enter()
        try:
            self.look(now)
        finally:
            self.leave(context)

    def shutdown(self, timeout, /):
        """Drain: finish what is under way within `timeout` seconds, then say 1012."""
        cdef object context = self.enter()
        try:
            self.finish_up(timeout)
        finally:
            self.leave(context)

    # The same, from within the scope.

    cpdef go_on(self):
        """Do what has come up since the last turn."""
        raise NotImplementedError

    cpdef look(self, double now):
        """Look at the deadlines."""
        raise NotImplementedError

    cpdef finish_up(self, timeout):
        """Drain."""
        raise NotImplementedError

    def run_in_scope(self, act, *arguments):
        """Do something in the scope; from within the scope, it is just done."""
        cdef object context = self.enter()
        try:
            return act(*arguments)
        finally:
            self.leave(context)

    cpdef call_in_scope(self, act, argument):
        """Do the same as `run_in_scope` with one argument, which needs no tuple."""
        cdef object context = self.enter()
        try:
            return act(argument)
        finally:
            self.leave(context)

    cdef object enter(self):
        """Enter the scope; return what to leave, None when this was within it."""
        cdef Scope scope = self.scope
        if scope.entered_by is not None:
            if scope.entered_by is self or scope.original is None:
                return None
            # A callback of another connection runs the event loop.
            scope = self.scope = Scope(scope.new_context())
        PyContext_Enter(scope.context)
        scope.entered_by = self
        return scope.context

    cdef int leave(self, context) except -1:
        """Leave what was entered."""
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
        """Return the scope, which is shared with nobody from now on."""
        cdef Scope scope = self.scope, mine
        if scope.original is None:
            return scope
        if scope.entered_by is not None and scope.entered_by is not self:
            # The context is another connection's, whose callback asks for this.
            self.scope = mine = Scope(scope.new_context())
            return mine
        self.scope = mine = Scope(scope.context)
        mine.entered_by = scope.entered_by
        scope.context = scope.new_context()
        scope.entered_by = None
        return mine
