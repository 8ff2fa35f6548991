"""The answer to the key of a handshake, compiled: the twin of `src/sock/wire/key.py`.

RFC 6455 §4.2.2.
"""

from base64 import b64encode
from hashlib import sha1

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t


cdef extern from "sha1.h":
    size_t SOCK_SHA1_MAX
    size_t SOCK_SHA1_BASE64
    void sock_sha1_base64(const uint8_t *message, size_t size, char *text) noexcept nogil


def accept_token(str key not None):
    """Return the value of `Sec-WebSocket-Accept` for a key."""
    cdef bytes message = key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
    cdef bytes token
    if len(message) > SOCK_SHA1_MAX:
        # A valid key has 24 characters (RFC 6455 §4.2.1), so this is not the key of a handshake.
        return b64encode(sha1(message, usedforsecurity=False).digest())
    token = PyBytes_FromStringAndSize(NULL, SOCK_SHA1_BASE64)
    sock_sha1_base64(
        <const uint8_t *>PyBytes_AS_STRING(message), len(message), PyBytes_AS_STRING(token)
    )
    return token
