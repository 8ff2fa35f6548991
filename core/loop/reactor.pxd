cimport cython
from libc.stdint cimport int64_t

from sock.loop.eager cimport Eager
from sock.loop.scope cimport Scope
from sock.loop.timer cimport Alarm, Wheel
from sock.loop.wakeable cimport Wakeable


@cython.final
cdef class Reactor:
    cdef public object loop
    cdef public bint uses_epoll
    cdef public object epoll
    cdef public Wheel wheel
    cdef public Eager eager
    cdef public Scope scope
    cdef public unsigned long thread
    cdef public double now
    cdef public int64_t max_turn_nanoseconds
    cdef public int64_t deadline
    cdef list _woken
    cdef object _infos_from_threads
    cdef bint _admission_scheduled

    cpdef begin_turn(self)
    cpdef bint in_loop_thread(self) except -1
    cpdef bint overdue(self) except -1
    cpdef end_long_turn(self)
    cpdef wake(self, Wakeable wakeable)
    cpdef post(self, receiver, info)
    cpdef Alarm after(self, double seconds, callback)
    cdef _schedule_turn(self)
    @cython.locals(wakeable=Wakeable, done=Py_ssize_t, woken=list)
    cpdef _turn(self)
