"""The ordinary head of a handshake in one pass: the twin of `src/sock/server/scan.py`.

An ordinary head is a GET for a path in HTTP/1.1 that asks to upgrade. It has one Host of letters,
digits, dots, hyphens and a port, and no field about a body, and all its lines end in CRLF. Every
other head, and every error, is left to the parser and `head.check_head`.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memcmp

from sock.server.head import Head

cdef object _new_tuple = tuple.__new__


cdef enum:
    CR = 13
    LF = 10
    HT = 9
    SPACE = 32


cdef extern from *:
    """
    /* The fields that decide a handshake. A colon marks those that no ordinary head has. */
    static const char *const sock_notable[] = {
        "connection", "host", "origin", "sec-websocket-extensions", "sec-websocket-key",
        "sec-websocket-protocol", "sec-websocket-version", "upgrade",
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
        ":content-length", ":expect", ":transfer-encoding",
    };
    enum { SOCK_NOTABLE = sizeof sock_notable / sizeof *sock_notable, SOCK_EXTRAORDINARY = 12 };

    /* Whether a byte may be in the name of a field, in its value, or in a target (RFC 9110 §5, RFC 3986 §3). */
    enum { SOCK_TOKEN = 1, SOCK_VALUE = 2, SOCK_TARGET = 4 };
    static unsigned char sock_kinds[256];

    static void
    sock_fill_kinds(void)
    {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        for (const char *c = letters; *c; c++)
            sock_kinds[(unsigned char)*c] |= SOCK_TOKEN | SOCK_TARGET;
        for (const char *c = "!#$%&'*+-.^_`|~"; *c; c++)
            sock_kinds[(unsigned char)*c] |= SOCK_TOKEN;
        for (const char *c = "-._~!$&'()*+,;=:@/?%"; *c; c++)
            sock_kinds[(unsigned char)*c] |= SOCK_TARGET;
        for (int c = 0x20; c < 0x100; c++)
            if (c != 0x7F)
                sock_kinds[c] |= SOCK_VALUE;
        sock_kinds['\\t'] |= SOCK_VALUE;
    }

    #define sock_is(c, kind) (sock_kinds[c] & (kind))

    /* Return the index of a name in that table, in upper or lower case; -1 if it is not there. */
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
    int SOCK_TOKEN
    int SOCK_VALUE
    int SOCK_TARGET
    void sock_fill_kinds() noexcept nogil
    bint sock_is(unsigned char c, int kind) noexcept nogil
    int sock_notable_name(const char *name, Py_ssize_t size) noexcept nogil


sock_fill_kinds()


cdef tuple _names = (
    "connection",
    "host",
    "origin",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "upgrade",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
)


cdef bint _plain_host(const char *host, Py_ssize_t size) noexcept:
    """Return whether a Host has only letters, digits, dots and hyphens, and perhaps a port."""
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
    """Return the head of an ordinary handshake, as the parser would; None for any other bytes."""
    cdef const unsigned char *text = <const unsigned char *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t size = len(data), at, name, start, stop, end, fields
    cdef int which
    cdef dict found
    cdef list values
    if size < 20 or memcmp(text, b"GET /", 5) or memcmp(text + size - 4, b"\r\n\r\n", 4):
        return None
    at = 5
    while sock_is(text[at], SOCK_TARGET):  # the CRLF at the end is no part of a target, so this loop ends
        at += 1
    if size - at < 13 or memcmp(text + at, b" HTTP/1.1\r\n", 11):
        return None
    end = at  # the end of the target
    fields = at = at + 11
    found = {}
    while at + 2 < size:
        name = at
        while sock_is(text[at], SOCK_TOKEN):
            at += 1
        if at == name or text[at] != c":":
            return None
        which = sock_notable_name(<const char *>text + name, at - name)
        if which >= SOCK_EXTRAORDINARY:
            return None
        start = stop = at + 1
        while sock_is(text[stop], SOCK_VALUE):
            stop += 1
        if text[stop] != CR or text[stop + 1] != LF:
            return None
        at = stop + 2
        if which < 0:
            continue
        while start < stop and (text[start] == SPACE or text[start] == HT):
            start += 1
        while start < stop and (text[stop - 1] == SPACE or text[stop - 1] == HT):
            stop -= 1
        known = _names[which]
        if which == 1 and (known in found or not _plain_host(<const char *>text + start, stop - start)):
            return None
        values = found.setdefault(known, [])
        values.append(PyUnicode_DecodeLatin1(<const char *>text + start, stop - start, NULL))
    if at + 2 != size or "host" not in found or not _upgrades(found):
        return None
    # Without the constructor of the NamedTuple, which is a Python function (bench, connect).
    return _new_tuple(Head, (
        "GET",
        PyUnicode_DecodeLatin1(<const char *>text + 4, end - 4, NULL),
        "1.1",
        data[fields : size - 2],
        found,
        0,
        False,
    ))


cdef bint _upgrades(dict found):
    """Return whether the head asks to leave HTTP. RFC 9110 §7.8."""
    if not any(found.get("upgrade", ())):  # llhttp ignores an empty one
        return False
    for value in found.get("connection", ()):
        if "upgrade" in [option.strip(" \t") for option in (<str>value).lower().split(",")]:
            return True
    return False
