from libc.stdint cimport uint8_t

from sock.wire.parser cimport Parser

# Takes one event for a receiver; returns whether the parser may go on to the next.
ctypedef bint (*RawDeliver)(object receiver, object event) except -1


cdef bint raw_feed(
    Parser parser,
    const uint8_t *data,
    Py_ssize_t end,
    bytes whole,
    RawDeliver deliver,
    object receiver,
) except -1
