cimport cython


@cython.final
cdef class Suspended:
    cdef readonly object task


@cython.final
cdef class Eager:
    cdef object _loop
    cdef Lent _lent

    cpdef begin(self, coroutine)
    cdef forget(self, Lent lent)


@cython.final
cdef class Lent:
    cdef Eager _eager
    cdef object _coroutine
    cdef object _waits_for
    cdef object _pristine
    cdef object context
    cdef object task

    cdef bint touched

    cdef expire(self)
