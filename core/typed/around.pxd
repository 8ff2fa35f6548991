cimport cython


cdef list _spare


# What `around_handle_in` makes is called for each message, and calls these.
@cython.locals(buffer=bytearray)
cdef str text_of(write, value)
cdef str decoded(bytearray utf8)
