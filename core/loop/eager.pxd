cimport cython

from sock.loop.scope cimport Scope, Scoped


cdef extern from "Python.h":
    ctypedef struct PyObject


@cython.final
cdef class Suspended:
    cdef readonly object task


@cython.final
cdef class Eager:
    cdef object _loop
    cdef Lent _lent

    cpdef begin(self, coroutine, Scoped owner)
    cdef forget(self, Lent lent)


cdef class Steps:
    cdef bint _begun
    cdef object _coroutine
    cdef Scope _scope


@cython.final
cdef class Lent(Steps):
    cdef Eager _eager
    cdef object _waits_for
    cdef object _result
    cdef object task
    cdef Py_ssize_t _references
    cdef PyObject *_newest_weak
    cdef bint _blocking
    cdef bint touched

    cdef keep(self, coroutine, waits_for, Scope scope)
    cdef bint is_free(self) except -1
    cdef context(self)
    cdef expire(self)
    cdef _to_wait_for(self)
