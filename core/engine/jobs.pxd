cimport cython

from sock.engine.job cimport Job


@cython.final
cdef class Jobs:
    cdef object _host
    cdef object _jobs

    cpdef start(self, Job job)
    cpdef bint start_result(self, result, place, bint deliverable) except -1
    cpdef add(self, Job job)
    cpdef discard(self, Job job)
    cpdef tuple discard_all(self)
    cpdef release_host(self)
    cpdef tuple running(self)
    cpdef cancel(self, jobs)
