cdef bint _is_connection(answer) except -1
