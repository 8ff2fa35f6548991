"""`Parser.feed` over memory of C: messages are parsed where `recv` has put their bytes.

A payload is unmasked into the `str` or `bytes` that the handler gets. Only whole, plain, masked data
frames are read here, which most are. Everything else, and every error, is left to `Parser._step`,
which is compiled from `src/sock/wire/parser.py`. This module has no pure form.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from sock.wire.parser cimport Parser
from sock.wire.traffic cimport Traffic

from sock.spec import ProtocolError
from sock.wire.frame import Close
from sock.wire.traffic import RECEIVED


cdef extern from "Python.h":
    ctypedef struct PyObject
    bint PyErr_ExceptionMatches(object kind)
    void PyErr_Clear()
    void Py_DECREF(PyObject *value)
    object PyUnicode_New(Py_ssize_t size, uint32_t greatest)
    object PyUnicode_DecodeUTF8(const char *data, Py_ssize_t size, const char *errors)
    void *PyUnicode_DATA(object text)


cdef extern from "mask.h":
    unsigned char sock_unmask(uint8_t *to, const uint8_t *from_, size_t size, uint32_t key) nogil


cdef enum:
    # The first byte of a whole message that is not compressed.
    TEXT = 0x81
    BINARY = 0x82


# Typed, so that to count is to add to memory of C.
cdef Traffic received = RECEIVED


cdef object unmasked_text(const uint8_t *masked, Py_ssize_t size, uint32_t key):
    """Unmask a text into a new str; decoding it is the check that it is UTF-8."""
    cdef object text = PyUnicode_New(size, 127)
    if size == 0:
        return text
    cdef uint8_t *data = <uint8_t *>PyUnicode_DATA(text)
    if sock_unmask(data, masked, size, key) < 0x80:
        return text
    return PyUnicode_DecodeUTF8(<const char *>data, size, NULL)


# `unmasked_text` as a function whose exceptions `raw_feed` looks at itself: a try statement would save
# for each message what is being handled (bench, echo-16).
ctypedef PyObject *(*UncheckedText)(const uint8_t *masked, Py_ssize_t size, uint32_t key) noexcept


cdef int forget_decode_error() except -1:
    """Clear the exception that is set, if it says that a text is not UTF-8; raise any other."""
    if not PyErr_ExceptionMatches(UnicodeDecodeError):
        return -1
    PyErr_Clear()
    return 0


cdef object unmasked_bytes(const uint8_t *masked, Py_ssize_t size, uint32_t key):
    """Unmask a binary message into a new bytes."""
    cdef object data = PyBytes_FromStringAndSize(NULL, size)
    if size:
        sock_unmask(<uint8_t *>PyBytes_AS_STRING(data), masked, size, key)
    return data


cdef bint raw_feed(
    Parser parser,
    const uint8_t *data,
    Py_ssize_t end,
    bytes whole,
    RawDeliver deliver,
    object receiver,
) except -1:
    """Take bytes from the peer, and deliver the events that are complete, as `Parser.feed` does.

    Args:
        parser: of that peer.
        data: the bytes, which are valid during this call only.
        end: how many there are; 0 to go on where `deliver` made the parser stop.
        whole: the object that `data` is in; None if it is in a buffer that will be used again.
        deliver: takes one event at a time.
        receiver: the first argument of `deliver`.

    Returns:
        Whether everything was taken.
    """
    cdef Py_ssize_t position = 0, start, stop, size, messages, payload_bytes
    cdef Py_ssize_t longest = parser._max_size if parser._masked else -1
    cdef uint32_t key
    cdef uint8_t first, second
    cdef object event
    cdef PyObject *text
    if parser._finished:
        return True
    if parser._rest:
        if end:
            whole = parser._rest[parser._offset:] + PyBytes_FromStringAndSize(<const char *>data, end)
        else:
            whole, position = parser._rest, parser._offset
        parser._rest = b""
        data, end = <const uint8_t *>PyBytes_AS_STRING(whole), len(whole)
    while position < end:
        while parser._message is None and end - position > 5:
            first, second = data[position], data[position + 1]
            if (first != TEXT and first != BINARY) or second < 128:
                break
            if second < 254:
                size, start = second - 128, position + 2
            elif second == 254:
                if end - position < 8:
                    break
                size, start = data[position + 2] << 8 | data[position + 3], position + 4
                if size < 126:
                    break
            else:
                break  # more than any receive buffer holds: never whole
            stop = start + 4 + size
            if stop > end or size > longest:
                break
            memcpy(&key, data + start, 4)
            if first == TEXT:
                text = (<UncheckedText>unmasked_text)(data + start + 4, size, key)
                if text == NULL:
                    forget_decode_error()
                    break  # the parser says what is wrong
                event = <object>text
                Py_DECREF(text)
            else:
                event = unmasked_bytes(data + start + 4, size, key)
            position = stop
            parser.messages += 1
            parser.payload_bytes += size
            received.messages += 1
            received.payload_bytes += size
            if not deliver(receiver, event):
                pause(parser, whole, data, position, end)
                return False
        if position == end:
            break
        if whole is None:
            whole = PyBytes_FromStringAndSize(<const char *>data + position, end - position)
            data, position, end = <const uint8_t *>PyBytes_AS_STRING(whole), 0, len(whole)
        try:
            messages, payload_bytes = parser.messages, parser.payload_bytes
            event, stop = parser._step(whole, position, end)
            received.messages += parser.messages - messages
            received.payload_bytes += parser.payload_bytes - payload_bytes
        except ProtocolError as error:
            parser._finish()
            event, stop = error, end
        if stop == position:
            parser._rest, parser._offset = whole[position:], 0
            break
        position = stop
        if event is None:
            continue
        if isinstance(event, Close):
            parser._finish()
        if parser._finished:
            return deliver(receiver, event)
        if not deliver(receiver, event):
            pause(parser, whole, data, position, end)
            return False
    return True


cdef int pause(
    Parser parser, bytes whole, const uint8_t *data, Py_ssize_t position, Py_ssize_t end
) except -1:
    """Keep the bytes behind `position`: the object that they are in, else a copy of them."""
    if position < end:
        if whole is None:
            whole = PyBytes_FromStringAndSize(<const char *>data + position, end - position)
            position = 0
        parser._rest, parser._offset = whole, position
    return 0
