"""`Writer.push` into memory of C: the frames of one turn, in one buffer.

Each connection has a `FrameBuffer`, which is empty between two turns. Its memory is passed on from
one turn to the next, of the same connection or of another, while it is warm in the cache. A large
payload is not copied: it is sent from where it is. What is no plain `str`, `bytes` or `Prepared` is
framed by `Writer.push`, which is compiled from `src/sock/wire/writer.py`. This module has no pure form.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport Py_INCREF, PyObject, Py_XDECREF
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

from sock.wire.traffic cimport Traffic
from sock.wire.writer cimport Writer

from sock.spec import Prepared
from sock.wire.traffic import SENT
from sock.wire.writer import PLAIN


cdef extern from "Python.h":
    bytes PyUnicode_AsUTF8String(object text)
    int PyUnicode_READY(object text) except -1
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    void *PyUnicode_DATA(object text)


cdef extern from "copy.h":
    void sock_copy(uint8_t *to, const uint8_t *from_, size_t size) noexcept nogil


cdef enum:
    # The first byte of a whole message that is not compressed.
    TEXT = 0x81
    BINARY = 0x82
    MAX_HEAD = 10
    # Python's allocator still has so much at hand when a fan-out asks for hundreds.
    FIRST_CAPACITY = 256
    MAX_SPARE_CAPACITY = 65536
    # From here on, two pieces for the kernel are cheaper than one copy.
    LARGE = 8192

# The `Prepared` that was pushed last, and its frame: a fan-out looks the frame up once.
cdef object last_prepared = None
cdef bytes last_frame = None

# Typed, so that to count is to add to memory of C.
cdef Traffic sent = SENT

# Memory that a buffer has given back, for the next one that needs some.
cdef uint8_t *spare = NULL
cdef Py_ssize_t spare_capacity = 0


cdef int raw_push(FrameBuffer *buffer, Writer writer, message) except -1:
    """Append a message's frame.

    Raises:
        UnicodeEncodeError: the text holds a lone surrogate; nothing was appended.
        TypeError: it is no message; nothing was appended.
    """
    global last_prepared, last_frame
    cdef bytearray frame
    if writer._plain:
        if type(message) is str:
            PyUnicode_READY(message)
            if PyUnicode_IS_COMPACT_ASCII(message):
                return append_frame(
                    buffer,
                    writer,
                    TEXT,
                    <const uint8_t *>PyUnicode_DATA(message),
                    PyUnicode_GET_LENGTH(message),
                    message,
                )
            message = PyUnicode_AsUTF8String(message)
            return append_frame(
                buffer,
                writer,
                TEXT,
                <const uint8_t *>PyBytes_AS_STRING(message),
                len(<bytes>message),
                message,
            )
        if type(message) is bytes:
            return append_frame(
                buffer,
                writer,
                BINARY,
                <const uint8_t *>PyBytes_AS_STRING(message),
                len(<bytes>message),
                message,
            )
        if type(message) is Prepared:
            if message is last_prepared:
                raw_append(buffer, last_frame)
                count(writer, payload_of_frame(len(last_frame)))
                return 0
            frame_of_it = (<dict>message.encodings).get(PLAIN)
            if frame_of_it is not None:
                raw_append(buffer, frame_of_it)
                count(writer, payload_of_frame(len(<bytes>frame_of_it)))
                if len(<bytes>frame_of_it) <= MAX_SPARE_CAPACITY:  # it is kept for long
                    before = last_prepared, last_frame  # let go of when both are replaced
                    last_prepared, last_frame = message, frame_of_it
                    del before
                return 0
    frame = bytearray()
    writer.push(frame, message)
    return raw_append(buffer, bytes(frame))


cdef int raw_append(FrameBuffer *buffer, bytes data) except -1:
    """Append bytes as they are, such as a Close frame."""
    cdef Py_ssize_t size = len(data)
    if size:
        settle_large(buffer)
        sock_copy(room(buffer, size), <const uint8_t *>PyBytes_AS_STRING(data), size)
        buffer.size += size
    return 0


cdef bytearray raw_joined(const FrameBuffer *buffer):
    """Return a copy of all that is in the buffer."""
    cdef bytearray data = PyByteArray_FromStringAndSize(NULL, raw_size(buffer))
    memcpy(PyByteArray_AS_STRING(data), buffer.data, buffer.size)
    if buffer.large_size:
        memcpy(PyByteArray_AS_STRING(data) + buffer.size, buffer.large, buffer.large_size)
    return data


cdef void raw_clear(FrameBuffer *buffer) noexcept:
    """Empty the buffer, and give its memory back."""
    global spare, spare_capacity
    cdef uint8_t *data = buffer.data
    cdef PyObject *owner = buffer.large_owner
    if spare_capacity < buffer.capacity <= MAX_SPARE_CAPACITY:
        data, spare, spare_capacity = spare, data, buffer.capacity
    memset(buffer, 0, sizeof(FrameBuffer))
    if data != NULL:
        PyMem_Free(data)
    Py_XDECREF(owner)


cdef inline int append_frame(
    FrameBuffer *buffer, Writer writer, int first, const uint8_t *payload, Py_ssize_t size, owner
) except -1:
    """Append a frame; a large payload is left where it is, in its owner. RFC 6455 §5.2."""
    cdef uint8_t *out
    cdef Py_ssize_t head = 2
    cdef int shift
    cdef bint large = size >= LARGE
    settle_large(buffer)
    out = room(buffer, MAX_HEAD + (0 if large else size))
    out[0] = <uint8_t>first
    if size < 126:
        out[1] = <uint8_t>size
    elif size < 0x10000:
        out[1], out[2], out[3] = 126, <uint8_t>(size >> 8), <uint8_t>size
        head = 4
    else:
        out[1] = 127
        for shift in range(8):
            out[2 + shift] = <uint8_t>(<uint64_t>size >> (56 - 8 * shift))
        head = 10
    buffer.size += head
    if large:
        Py_INCREF(owner)
        buffer.large, buffer.large_size, buffer.large_owner = payload, size, <PyObject *>owner
    else:
        sock_copy(out + head, payload, size)
        buffer.size += size
    count(writer, size)
    return 0


cdef inline void count(Writer writer, Py_ssize_t size) noexcept:
    """Count a message that was pushed."""
    writer.messages += 1
    writer.payload_bytes += size
    sent.messages += 1
    sent.payload_bytes += size


cdef inline Py_ssize_t payload_of_frame(Py_ssize_t size) noexcept:
    """Return the bytes of the payload of a frame that is not masked. RFC 6455 §5.2."""
    return size - (2 if size < 2 + 126 else 4 if size < 4 + 0x10000 else 10)


cdef inline uint8_t *room(FrameBuffer *buffer, Py_ssize_t size) except NULL:
    """Return where so many bytes more can be written."""
    global spare, spare_capacity
    cdef Py_ssize_t needed = buffer.size + size
    cdef uint8_t *grown
    if needed > buffer.capacity:
        if buffer.data == NULL and needed <= spare_capacity:
            buffer.data, buffer.capacity = spare, spare_capacity
            spare, spare_capacity = NULL, 0
        else:
            needed = max(needed, 2 * buffer.capacity, FIRST_CAPACITY)
            grown = <uint8_t *>PyMem_Realloc(buffer.data, needed)
            if grown == NULL:
                raise MemoryError
            buffer.data, buffer.capacity = grown, needed
    return buffer.data + buffer.size


cdef inline int settle_large(FrameBuffer *buffer) except -1:
    """Copy the large payload after all, as something comes behind it."""
    cdef Py_ssize_t size = buffer.large_size
    cdef PyObject *owner = buffer.large_owner
    if size:
        memcpy(room(buffer, size), buffer.large, size)
        buffer.size += size
        buffer.large_size = 0
        buffer.large_owner = NULL
        Py_XDECREF(owner)
    return 0
