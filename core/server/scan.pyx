"""The ordinary head of a handshake in one pass: the twin of `src/sock/server/scan.py`.

Ordinary is a GET for a path in HTTP/1.1, with one Host of letters, digits, dots, hyphens and a port,
with nothing that frames a body, and with every line ending in CRLF. All else is `head.check`'s.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memcmp, memchr

from sock.server.head import Head


cdef enum:
    CR = 13
    LF = 10
    HT = 9
    SPACE = 32


cdef extern from *:
    """
    /* The fields that a handshake is decided by; a colon stands for those that make a head extraordinary. */
    static const char *const sock_notable[] = {
        "connection", "host", "origin", "sec-websocket-extensions", "sec-websocket-key",
        "sec-websocket-protocol", "sec-websocket-version", "upgrade",
        ":content-length", ":expect", ":transfer-encoding",
    };
    enum { SOCK_NOTABLE = sizeof sock_notable / sizeof *sock_notable, SOCK_EXTRAORDINARY = 8 };

    /* Return which of them a name is, whatever its case; -1 for none. */
    static int
    sock_notable_name(const char *name, Py_ssize_t size)
    {
        for (int which = 0; which < SOCK_NOTABLE; which++) {
            const char *known = sock_notable[which] + (which >= SOCK_EXTRAORDINARY);
            Py_ssize_t at = 0;
            while (at < size && known[at] && (name[at] | 0x20) == known[at])
                at++;
            if (at == size && !known[at])
                return which;
        }
        return -1;
    }
    """
    int SOCK_EXTRAORDINARY
    int sock_notable_name(const char *name, Py_ssize_t size) noexcept nogil


cdef tuple _names = (
    "connection",
    "host",
    "origin",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "upgrade",
)


cdef bint _plain_host(const char *host, Py_ssize_t size) noexcept:
    """Tell whether a Host is letters, digits, dots and hyphens, and perhaps a port."""
    cdef Py_ssize_t at
    cdef char c
    cdef bint port = False
    for at in range(size):
        c = host[at]
        if c"0" <= c <= c"9":
            continue
        if port:
            return False
        if c == c":" and at:
            port = True
        elif not (c"a" <= (c | 0x20) <= c"z" or c == c"." or c == c"-"):
            return False
    return size > 0


def scan(bytes data not None):
    """Return what `head.check` would, of an ordinary head; None where it is for that to say."""
    cdef const char *text = PyBytes_AS_STRING(data)
    cdef const char *colon
    cdef Py_ssize_t size = len(data), at, start, stop, end
    cdef int which
    cdef dict found
    cdef list values
    if size < 20 or memcmp(text, b"GET /", 5):
        return None
    at = 5
    while at < size and 0x20 < text[at] < 0x7F and text[at] != c"#":
        at += 1
    if size - at < 13 or memcmp(text + at, b" HTTP/1.1\r\n", 11):
        return None
    end = at  # of the target
    at += 11
    start_of_fields = at
    found = {}
    while at + 2 < size:
        colon = <const char *>memchr(text + at, c":", size - at)
        if colon == NULL or text[at] == SPACE or text[at] == HT:
            return None
        which = sock_notable_name(text + at, colon - (text + at))
        if which >= SOCK_EXTRAORDINARY:
            return None
        start = colon + 1 - text
        stop = start
        while text[stop] != CR and text[stop] != LF:  # the head ends in both
            stop += 1
        if text[stop] != CR or text[stop + 1] != LF or memchr(text + at, CR, start - at) != NULL:
            return None
        if memchr(text + at, LF, start - at) != NULL:
            return None
        at = stop + 2
        if which < 0:
            continue
        while start < stop and (text[start] == SPACE or text[start] == HT):
            start += 1
        while start < stop and (text[stop - 1] == SPACE or text[stop - 1] == HT):
            stop -= 1
        name = _names[which]
        if which == 1 and (name in found or not _plain_host(text + start, stop - start)):
            return None
        values = found.setdefault(name, [])
        values.append(PyUnicode_DecodeLatin1(text + start, stop - start, NULL))
    if at + 2 != size or "host" not in found:
        return None
    return Head(
        "GET",
        PyUnicode_DecodeLatin1(text + 4, end - 4, NULL),
        "1.1",
        data[start_of_fields : size - 2],
        found,
        0,
        False,
    )
