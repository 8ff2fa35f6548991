"""Masking, compiled: the twin of `src/sock/wire/mask.py`, with the same functions.

RFC 6455 §5.3.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy


cdef extern from "mask.h":
    unsigned char sock_unmask(uint8_t *to, const uint8_t *from_, size_t size, uint32_t key) nogil


def unmask(bytes payload not None, bytes key not None):
    """Return a masked payload unmasked, and an unmasked one masked."""
    cdef uint32_t word
    cdef Py_ssize_t size = len(payload)
    cdef bytes unmasked = PyBytes_FromStringAndSize(NULL, size)
    if len(key) != 4:
        raise ValueError(f"a key has four bytes, not {len(key)} (RFC 6455 §5.3)")
    memcpy(&word, PyBytes_AS_STRING(key), 4)
    if size:  # an empty bytes object is shared by the whole program and must not be written
        sock_unmask(
            <uint8_t *>PyBytes_AS_STRING(unmasked),
            <const uint8_t *>PyBytes_AS_STRING(payload),
            size,
            word,
        )
    return unmasked


def rotate(bytes key not None, Py_ssize_t size):
    """Return the key for the bytes that follow `size` bytes that were unmasked with `key`."""
    cdef Py_ssize_t shift = size % 4
    return key[shift:] + key[:shift]
