cimport cython

from sock.runtime.timer cimport Alarm, Wheel


@cython.final
cdef class Reactor:
    cdef public object loop
    cdef public bint native
    cdef public Wheel wheel
    cdef public object thread
    cdef public double now
    cdef public double patience
    cdef public double deadline
    cdef object _epoll
    cdef object _woken
    cdef object _foreign
    cdef bint _foreign_woken

    cpdef begin_turn(self)
    cpdef bint overdue(self) except -1
    cpdef wake(self, turned)
    cpdef post(self, addressed, info)
    cpdef Alarm after(self, double seconds, callback)
    cpdef adopt(self, sock, connect)
    cpdef emptied(self)
    cdef _soon(self)
