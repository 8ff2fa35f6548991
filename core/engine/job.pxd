cimport cython


@cython.final
cdef class Job:
    cdef public object awaitable
    cdef public object handle
    cdef public object iterator
    cdef public object place
    cdef public object role
    cdef public object stream
    cdef public bint cancelled


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
