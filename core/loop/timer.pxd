cimport cython


@cython.final
cdef class Wheel:
    cdef object _handle
    cdef object _loop
    cdef Py_ssize_t _next
    cdef list _order
    cdef Py_ssize_t _passed
    cdef dict _slots

    @cython.locals(last=double, tick=double, number=Py_ssize_t, before=Py_ssize_t, no_slot=Py_ssize_t)
    cpdef arm(self, entry, double due)
    cpdef disarm(self, entry)
    cdef _sleep(self, Py_ssize_t number)


@cython.final
cdef class Alarm:
    cdef object _callback
    cdef Wheel _wheel
    cdef public Py_ssize_t slot

    cpdef cancel(self)
