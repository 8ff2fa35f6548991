"""Coroutines begun at once, compiled: the twin of `src/sock/runtime/eager.py`, with the same names.

What is different: a step takes no exception to return a value, and a context is entered without a
call of Python's.
"""

cimport cython

import asyncio
import contextvars
from asyncio.tasks import _enter_task, _leave_task


cdef extern from "Python.h":
    ctypedef struct PyObject
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object iterator, object value, PyObject **result) except PYGEN_ERROR
    Py_ssize_t PyObject_Size(object value) except -1
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    void Py_DECREF(PyObject *value)


@cython.final
cdef class Suspended:
    """What `Eager.begin` returns for a coroutine that waits for something."""

    def __init__(self, task):
        self.task = task

    def __await__(self):
        """Wait for its outcome."""
        return self.task.__await__()


cdef bint changed(context, before) except -1:
    """Tell whether a variable was set. Equal is not enough: an empty list may be filled later."""
    cdef Py_ssize_t size = PyObject_Size(context)
    if size != PyObject_Size(before):
        return True
    if size == 0:  # as mostly; an iterator would cost as much as the coroutine
        return False
    for variable, value in context.items():
        if before.get(variable, Lent) is not value:
            return True
    return False


@cython.final
cdef class Eager:
    """Begins the coroutines of one event loop."""

    def __init__(self, loop):
        self._loop = loop

    cpdef begin(self, coroutine):
        """Run a coroutine up to where it waits."""
        cdef object loop = self._loop, task, outer = None, result
        cdef Lent lent
        cdef PySendResult outcome
        cdef PyObject *given = NULL
        lent = self._lent
        if lent is None:
            if loop.get_task_factory() is not None:  # whoever makes tasks in his own way has a reason
                return Suspended(loop.create_task(coroutine))
            lent = self._lent = Lent(self, loop)
        task = lent.task
        try:
            _enter_task(loop, task)
        except RuntimeError:  # a drain, say, is a task itself
            outer = asyncio.current_task(loop)
            _leave_task(loop, outer)
            _enter_task(loop, task)
        try:
            PyContext_Enter(lent.context)
            try:
                outcome = PyIter_Send(coroutine, None, &given)
            finally:
                PyContext_Exit(lent.context)
            result = <object>given
            Py_DECREF(given)  # the one that `result` has not taken
            if outcome == PYGEN_NEXT:
                self._lent = None
                lent._coroutine, lent._waits_for = coroutine, result
                lent.task = None  # it knows this: the two would wait for the garbage collector
                return Suspended(task)
        except BaseException:
            self._lent = None
            raise
        finally:
            _leave_task(loop, task)
            if outer is not None:
                _enter_task(loop, outer)
        if lent.touched or changed(lent.context, lent._pristine):
            self._lent = None
            if task.cancelling():
                raise asyncio.CancelledError
        return result

    cdef forget(self, Lent lent):
        """Lend it no more."""
        if self._lent is lent:
            self._lent = None


@cython.final
cdef class Lent:
    """The coroutine of a task that is lent: at first nothing, then one that has suspended."""

    def __init__(self, Eager eager not None, loop):
        self._eager = eager
        self.context = contextvars.copy_context()
        self._pristine = self.context.copy()
        self.task = LentTask(self, loop=loop, context=self.context)

    cdef expire(self):
        """Be lent no more: the turn is over."""
        self._eager.forget(self)
        self.task = None

    # What a task asks of its coroutine. PEP 492.

    def send(self, value, /):
        """Take a step."""
        if self._coroutine is None:
            self.expire()
            raise StopIteration
        if self._waits_for is not None:
            waits_for, self._waits_for = self._waits_for, None
            return waits_for
        return self._coroutine.send(value)

    def throw(self, error, *more):
        """Take a step in which something is raised, such as a cancellation."""
        if self._coroutine is None:
            self.expire()
            raise error
        if self._waits_for is not None:
            # The task does not know that it was to wait for this.
            self._waits_for._asyncio_future_blocking = False
            self._waits_for = None
        return self._coroutine.throw(error, *more)

    def close(self):
        """End it, as what is never resumed is ended."""
        if self._coroutine is not None:
            self._coroutine.close()

    def __await__(self):
        """Be a coroutine by all rules; only its task runs it."""
        raise RuntimeError("a coroutine that is lent is run by its task")


class LentTask(asyncio.Task):
    """A task that tells when somebody leaves something at it."""

    def __init__(self, lent, **how):
        self._lent = lent
        super().__init__(lent, **how)

    def add_done_callback(self, callback, **how):
        """Call back when it is done."""
        (<Lent?>self._lent).touched = True
        super().add_done_callback(callback, **how)

    def cancel(self, msg=None):
        """Ask it to end."""
        (<Lent?>self._lent).touched = True
        return super().cancel(msg)
