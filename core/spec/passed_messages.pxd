cimport cython


cpdef passed_call(callback, argument, outgoing)


@cython.final
cdef class PassedMessages:
    cdef object _handle_in
    cdef object _incoming
    cdef object _outgoing
    cdef object _take_unusual
    cdef bint _takes_binary
    cdef bint _takes_text

    cpdef handle_in(self, message)
