cimport cython

from sock.engine.job cimport Job


@cython.final
cdef class Jobs:
    cdef object _host
    cdef object _jobs

    cpdef start(self, Job job)
    cpdef bint promise(self, result, place, bint wanted) except -1
    cpdef add(self, Job job)
    cpdef discard(self, Job job)
    cpdef release(self)
    cpdef tuple running(self)
    cpdef cancel(self, jobs)
