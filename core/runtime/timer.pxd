cimport cython


@cython.final
cdef class Wheel:
    cdef object _handle
    cdef object _loop
    cdef object _next
    cdef object _order
    cdef object _passed
    cdef object _slots

    cpdef arm(self, waiting, double due)
    cpdef disarm(self, waiting)
    cdef _sleep(self, number)


@cython.final
cdef class Alarm:
    cdef object _callback
    cdef object _wheel
    cdef public object slot
