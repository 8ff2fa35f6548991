from libc.stdint cimport uint8_t

from sock.loop.wakeable cimport Wakeable


cdef class RawPipe(Wakeable):
    cdef Py_ssize_t raw_pending(self) noexcept
    cdef int raw_write(
        self, const uint8_t *first, Py_ssize_t size, const uint8_t *last, Py_ssize_t more
    ) except -1


cdef class RawReceiver(Wakeable):
    cdef int raw_received(self, const uint8_t *data, Py_ssize_t size) except -1
