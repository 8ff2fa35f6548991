from cpython.ref cimport PyObject
from libc.stdint cimport uint8_t
from libc.string cimport memset

from sock.wire.writer cimport Writer


cdef struct FrameBuffer:
    # Frames in memory of our own. All zero at first.
    uint8_t *data
    Py_ssize_t size
    Py_ssize_t capacity
    # Behind them at most one large payload, which is not copied, and the object that owns it.
    const uint8_t *large
    Py_ssize_t large_size
    PyObject *large_owner


cdef inline Py_ssize_t raw_size(const FrameBuffer *buffer) noexcept:
    """Return how many bytes are in the buffer."""
    return buffer.size + buffer.large_size


cdef inline FrameBuffer raw_take(FrameBuffer *buffer) noexcept:
    """Return all that is in the buffer, for the caller to clear, and leave the buffer empty."""
    cdef FrameBuffer taken = buffer[0]
    memset(buffer, 0, sizeof(FrameBuffer))
    return taken


cdef int raw_push(FrameBuffer *buffer, Writer writer, message) except -1
cdef int raw_append(FrameBuffer *buffer, bytes data) except -1
cdef bytearray raw_joined(const FrameBuffer *buffer)
cdef void raw_clear(FrameBuffer *buffer) noexcept
