"""The byte pipe and its receiver, as far as they pass each other memory of C.

`Pipe` and `Receiver` (`src/sock/loop/pipe.py`) exchange objects. A pipe and a receiver that are both
compiled save making them: this module is what they know of each other. It has no pure form.
"""

from sock.loop.wakeable cimport Wakeable


cdef class RawPipe(Wakeable):
    """A `Pipe` that can send bytes that belong to no object."""

    cdef Py_ssize_t raw_pending(self) noexcept:
        """Return how many bytes the kernel has not taken."""
        return 0

    cdef int raw_write(
        self, const uint8_t *first, Py_ssize_t size, const uint8_t *last, Py_ssize_t more
    ) except -1:
        """Send two pieces, one behind the other, as `write` does; both stay the caller's."""
        raise NotImplementedError


cdef class RawReceiver(Wakeable):
    """A `Receiver` that can take bytes that belong to no object."""

    cdef int raw_received(self, const uint8_t *data, Py_ssize_t size) except -1:
        """Take bytes as they came, as `received` does; they are valid during this call only."""
        raise NotImplementedError
