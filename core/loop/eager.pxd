cimport cython

from sock.loop.scope cimport Scope, Scoped


cdef extern from "Python.h":
    ctypedef struct PyObject


@cython.final
cdef class SuspendedCoroutine:
    cdef readonly object task


@cython.final
cdef class Eager:
    cdef object _loop
    cdef LentCoroutine _lent

    cpdef begin(self, coroutine, Scoped owner)
    cdef forget(self, LentCoroutine lent)


cdef class Steps:
    cdef bint _begun
    cdef object _coroutine
    cdef Scope _scope


@cython.final
cdef class LentCoroutine(Steps):
    cdef Eager _eager
    cdef object _waits_for
    cdef object _result
    cdef object task
    cdef Py_ssize_t _references
    cdef PyObject *_newest_weak
    cdef bint _blocking
    cdef bint touched

    cdef continue_with(self, coroutine, waits_for, Scope scope)
    cdef bint is_reusable(self) except -1
    cdef context(self)
    cdef expire(self)
    cdef _to_wait_for(self)
