"""Coroutines begun at once, compiled: the twin of `src/sock/loop/eager.py`, with the same names.

The differences: a coroutine returns its value without an exception, and the number of references
to a task is read from the object.
"""

cimport cython

import asyncio
import contextvars
from asyncio.tasks import _enter_task, _leave_task

from sock.loop.scope cimport Scope, Scoped


cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object iterator, object value, PyObject **result) except PYGEN_ERROR
    # Of a pointer: for an object, Cython would hold one reference more.
    Py_ssize_t Py_REFCNT(PyObject *value)
    PyObject **PyObject_GET_WEAKREFS_LISTPTR(PyObject *value)
    void Py_DECREF(PyObject *value)


@cython.final
cdef class SuspendedCoroutine:
    """The result of `Eager.begin` for a coroutine that waits for something."""

    def __init__(self, task):
        self.task = task

    def __await__(self):
        """Wait for the result of the coroutine."""
        return self.task.__await__()


@cython.final
cdef class Eager:
    """Begins the coroutines of one event loop."""

    def __init__(self, loop):
        self._loop = loop

    cpdef begin(self, coroutine, Scoped owner):
        """Run a coroutine until it waits for something."""
        cdef object loop = self._loop, task, outer = None, result
        cdef LentCoroutine lent
        cdef PySendResult outcome
        cdef PyObject *given = NULL
        lent = self._lent
        if lent is None or not lent.is_reusable():
            if loop.get_task_factory() is not None:  # who makes tasks in his own way has a reason
                return SuspendedCoroutine(loop.create_task(Steps(coroutine, owner.own_scope())))
            lent = self._lent = LentCoroutine(self, loop)
        task = lent.task
        try:
            _enter_task(loop, task)
        except RuntimeError:  # a drain, say, is a task itself
            outer = asyncio.current_task(loop)
            _leave_task(loop, outer)
            _enter_task(loop, task)
        try:
            outcome = PyIter_Send(coroutine, None, &given)
            result = <object>given
            Py_DECREF(given)  # the one that `result` has not taken
            if outcome == PYGEN_NEXT:
                self._lent = None
                lent.continue_with(coroutine, result, owner.own_scope())
                return SuspendedCoroutine(task)
        except BaseException:
            self._lent = None
            raise
        finally:
            _leave_task(loop, task)
            if outer is not None:
                _enter_task(loop, outer)
        task = None
        if not lent.is_reusable():
            self._lent = None
            if lent.task is not None and lent.task.cancelling():
                raise asyncio.CancelledError
            lent._result = result
        return result

    cdef forget(self, LentCoroutine lent):
        """Lend the task of this coroutine no more."""
        if self._lent is lent:
            self._lent = None


cdef class Steps:
    """A coroutine each of whose steps runs in a scope."""

    def __init__(self, coroutine, Scope scope):
        self._coroutine = coroutine
        self._scope = scope

    def __getattr__(self, name):
        """Return an attribute for a debugger: the name, the code or the frame of the coroutine."""
        return getattr(self._coroutine, name)

    # What a task asks of its coroutine. PEP 492.

    def send(self, value, /):
        """Take a step."""
        if not self._begun:
            self._begun = True
            if self._scope.entered_by is not None:
                # A task that is begun at once runs in a copy of the scope, which is in use: what
                # the first step sets would be lost. So it comes in the loop's next turn.
                return None
        return self._scope.run(self._coroutine.send, value)

    def throw(self, error, *more):
        """Take a step that begins with an exception, such as a cancellation."""
        return self._scope.run(self._coroutine.throw, error, *more)

    def close(self):
        """End a coroutine that is never resumed."""
        if self._coroutine is not None:
            self._scope.run(self._coroutine.close)

    def __await__(self):
        """Refuse: only the task of the coroutine runs it."""
        raise RuntimeError("only its task may run the coroutine of a connection")


@cython.final
cdef class LentCoroutine(Steps):
    """The coroutine of a task that is lent. It is empty at first, and continues another one later."""

    def __init__(self, Eager eager not None, loop):
        cdef object task
        self._eager = eager
        # In a context of its own: nothing of it, but for the waking up, runs in that.
        task = LentTask(self, loop=loop, context=contextvars.Context())
        self._references = Py_REFCNT(<PyObject *>task)  # one of which will be this object's
        self._newest_weak = PyObject_GET_WEAKREFS_LISTPTR(<PyObject *>task)[0]  # a newer one goes before it
        self.task = task

    cdef continue_with(self, coroutine, waits_for, Scope scope):
        """Continue a coroutine that has yielded the object for which it waits."""
        self._coroutine, self._waits_for, self._scope = coroutine, waits_for, scope
        if getattr(waits_for, "_asyncio_future_blocking", None):
            # As a task does at once: another coroutine may wait for the same future in this turn.
            waits_for._asyncio_future_blocking = False
            self._blocking = True
        self.task = None  # it knows this: the two would wait for the garbage collector

    cdef bint is_reusable(self) except -1:
        """Tell whether the task may be lent again: it is unchanged, and nobody else holds it."""
        cdef PyObject *task = <PyObject *>self.task
        return (
            not self.touched
            and self.task is not None
            and Py_REFCNT(task) == self._references
            and PyObject_GET_WEAKREFS_LISTPTR(task)[0] == self._newest_weak
        )

    cdef context(self):
        """Return the context in which the coroutine runs."""
        return contextvars.copy_context() if self._scope is None else self._scope.context

    cdef expire(self):
        """Note that the turn is over: the task is lent no more."""
        self._eager.forget(self)
        self.task = None

    # What a task asks of its coroutine. PEP 492.

    def send(self, value, /):
        """Take a step."""
        if self._coroutine is None:
            self.expire()
            raise StopIteration(self._result)
        if self._waits_for is not None:
            return self._to_wait_for()
        return self._scope.run(self._coroutine.send, value)

    def throw(self, error, *more):
        """Take a step that begins with an exception, such as a cancellation."""
        if self._coroutine is None:
            self.expire()
            raise error
        if self._blocking and isinstance(error, asyncio.CancelledError):
            # As a task that is cancelled does: it cancels what it waits for, and hears of that.
            self._blocking = self._waits_for.cancel(msg=error.args[0] if error.args else None)
            if self._blocking:
                return self._to_wait_for()
        self._waits_for = None
        return self._scope.run(self._coroutine.throw, error, *more)

    cdef _to_wait_for(self):
        """Return the object for which the task has to wait, once."""
        waits_for, self._waits_for = self._waits_for, None
        if self._blocking:
            self._blocking = False
            waits_for._asyncio_future_blocking = True
        return waits_for


class LentTask(asyncio.Task):
    """A task that notes when somebody changes it."""

    def __init__(self, lent, **how):
        super().__setattr__("_lent", lent)
        super().__init__(lent, **how)

    def __setattr__(self, name, value):
        """Set an attribute, which the next coroutine must not see."""
        (<LentCoroutine?>self._lent).touched = True
        super().__setattr__(name, value)

    def set_name(self, value):
        """Name the task, for the coroutine that runs in it."""
        (<LentCoroutine?>self._lent).touched = True
        super().set_name(value)

    def get_context(self):
        """Return the context in which its coroutine runs."""
        return (<LentCoroutine?>self._lent).context()

    def add_done_callback(self, callback, **how):
        """Call a function when the task is done."""
        (<LentCoroutine?>self._lent).touched = True
        super().add_done_callback(callback, **how)

    def cancel(self, msg=None):
        """Ask the task to end."""
        (<LentCoroutine?>self._lent).touched = True
        return super().cancel(msg)
