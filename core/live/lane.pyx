"""The lane of a message, compiled: the twin of `src/sock/live/lane.py`, with the same names.

What is different is where bytes are. They are parsed where `recv` has put them, a payload is
unmasked into the object that the handler gets, results are written into one buffer, which is given
back when the turn has been sent, and a large payload is sent from where it is.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from sock.engine.keepalive cimport Keepalive
from sock.engine.lifecycle cimport Lifecycle
from sock.live.live_connection cimport LiveConnection
from sock.loop.reactor cimport Reactor
from sock.loop.scope cimport Scope
from sock.loop.wakeable cimport Wakeable
from sock.wire.parser cimport Parser
from sock.wire.writer cimport Writer

from sock.spec import Ping, Pong, Prepared, ProtocolError
from sock.spec.message import MESSAGE_TYPES
from sock.wire.frame import Close
from sock.wire.writer import PLAIN


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, uint32_t greatest)
    object PyUnicode_DecodeUTF8(const char *data, Py_ssize_t size, const char *errors)
    bytes PyUnicode_AsUTF8String(object text)
    bint PyCoro_CheckExact(object value)
    int PyUnicode_READY(object text) except -1
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    void *PyUnicode_DATA(object text)
    const Py_ssize_t PY_SSIZE_T_MAX


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()


cdef extern from "mask.h":
    unsigned char sock_unmask(uint8_t *to, const uint8_t *from_, size_t size, uint32_t key) nogil


cdef extern from "clock.h":
    int64_t sock_coarse_time() noexcept nogil


cdef extern from "copy.h":
    void sock_copy(uint8_t *to, const uint8_t *from_, size_t size) noexcept nogil


cdef enum:
    TEXT = 0x81
    BINARY = 0x82
    # What Python's allocator still has at hand when a fan-out asks for hundreds.
    FIRST_ROOM = 256
    # One buffer is kept for the next turn, whoever's it is: it is warm.
    SPARE_CAPACITY = 65536
    # From here on, two pieces for the kernel are cheaper than one copy.
    LARGE = 8192

# What was pushed last and is often pushed next: a fan-out looks its frame up once.
cdef object _prepared = None
cdef bytes _prepared_frame = None

cdef uint8_t *_spare = NULL
cdef Py_ssize_t _spare_capacity = 0


cdef void _give_back(uint8_t *buffer, Py_ssize_t capacity) noexcept:
    global _spare, _spare_capacity
    if buffer == NULL:
        return
    if _spare == NULL and capacity <= SPARE_CAPACITY:
        _spare = buffer
        _spare_capacity = capacity
    else:
        PyMem_Free(buffer)


cdef object _text(const uint8_t *masked, Py_ssize_t size, uint32_t key):
    """Unmask a text into a new str; decoding it is the check that it is UTF-8."""
    cdef object text = PyUnicode_New(size, 127)
    if size == 0:
        return text
    cdef uint8_t *data = <uint8_t *>PyUnicode_DATA(text)
    if sock_unmask(data, masked, size, key) < 0x80:
        return text
    return PyUnicode_DecodeUTF8(<const char *>data, size, NULL)


cdef object _bytes(const uint8_t *masked, Py_ssize_t size, uint32_t key):
    """Unmask a binary message into a new bytes."""
    cdef object data = PyBytes_FromStringAndSize(NULL, size)
    if size:
        sock_unmask(<uint8_t *>PyBytes_AS_STRING(data), masked, size, key)
    return data


cdef class RawPipe(Wakeable):
    cdef Py_ssize_t raw_pending(self) noexcept:
        return 0

    cdef int raw_write(
        self, const uint8_t *first, Py_ssize_t size, const uint8_t *last, Py_ssize_t more
    ) except -1:
        raise NotImplementedError


cdef class Lane(LiveConnection):
    """What a link does for each message. Made by the link that it is a part of."""

    def __cinit__(self):
        self._out = NULL
        self._out_size = self._out_capacity = self._large_size = 0

    def __init__(
        self,
        Reactor reactor not None,
        request,
        handler,
        options,
        Keepalive keepalive not None,
        bint debug,
        Scope scope not None,
        pipe,
        Parser parser not None,
        Writer writer not None,
    ):
        super().__init__(reactor, request, handler, options, keepalive, debug, scope)
        self.pipe = pipe
        self._raw = pipe if isinstance(pipe, RawPipe) else None
        self.parser = parser
        self.writer = writer
        max_pending = options.max_send_buffer
        self._max_pending = PY_SSIZE_T_MAX if max_pending is None else min(max_pending, PY_SSIZE_T_MAX)
        self._max_out = self._max_pending
        self.in_turn = self.unread = self.close_sent = self.close_received = False
        self.deadline_changed = False

    def __dealloc__(self):
        _give_back(self._out, self._out_capacity)

    # In.

    def received(self, bytes data not None, /):
        """Handle all messages that are complete, then send, once, what they were answered."""
        cdef object context = self.enter()
        try:
            self.keepalive.heard = self.reactor.now
            self.in_turn = True
            self.feed(data)
            self.finish_turn()
        except BaseException as error:
            self.broken(error)
            raise
        finally:
            self.leave(context)

    cdef int raw_received(self, const uint8_t *data, Py_ssize_t size) except -1:
        cdef object context = self.enter()
        try:
            self.keepalive.heard = self.reactor.now
            self.in_turn = True
            self.raw_feed(data, size, None)
            self.finish_turn()
        except BaseException as error:
            self.broken(error)
            raise
        finally:
            self.leave(context)
        return 0

    cpdef feed(self, bytes data):
        """Give the parser bytes, or none to go on, and deliver what it finds."""
        self.raw_feed(<const uint8_t *>PyBytes_AS_STRING(data), len(data), data)

    cdef int raw_feed(self, const uint8_t *data, Py_ssize_t end, bytes whole) except -1:
        """Parse where the bytes are: in `whole`, or, if that is None, in a buffer of the reactor's.

        Whole, plain, masked data frames are read here; all else is the parser's, a step at a time.
        """
        cdef Parser parser = self.parser
        cdef Py_ssize_t position = 0, start, stop, size
        cdef Py_ssize_t longest = parser._max_size if parser._masked else -1
        cdef uint32_t key
        cdef uint8_t first, second
        cdef bint going = True
        cdef object event
        if parser._finished:
            self.unread = False
            return 0
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
                    try:
                        event = _text(data + start + 4, size, key)
                    except UnicodeDecodeError:
                        break  # the parser says what is wrong
                else:
                    event = _bytes(data + start + 4, size, key)
                position = stop
                going = self._deliver(event) if not self.close_sent else True
                if not going:
                    break
            if going and position < end:
                if whole is None:
                    whole = PyBytes_FromStringAndSize(<const char *>data + position, end - position)
                    data, position, end = <const uint8_t *>PyBytes_AS_STRING(whole), 0, len(whole)
                try:
                    event, stop = parser._step(whole, position, end)
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
                if not self.close_sent:
                    going = self._deliver(event)
                elif isinstance(event, Close):
                    self.close_received = True
                if parser._finished:
                    self.unread = not going
                    return 0
            if not going:
                if position < end:
                    if whole is None:
                        whole = PyBytes_FromStringAndSize(<const char *>data + position, end - position)
                        position = 0
                    parser._rest, parser._offset = whole, position
                self.unread = True
                return 0
        self.unread = False
        return 0

    cdef bint _deliver(self, event) except -1:
        """Hand over one event; tell whether the parser may go on."""
        cdef Lifecycle life = self.lifecycle
        cdef object callback, result
        if life.ready:
            callback = life.on_text if type(event) is str else life.on_binary if type(event) is bytes else None
            if callback is not None:
                life.busy = True
                try:
                    result = callback(event)
                    if PyCoro_CheckExact(result) and not self.debug:
                        result = self.reactor.eager.begin(result, self)
                    if (type(result) is str or type(result) is bytes) and life.ready:
                        self._encode(result)
                        result = None
                        if self._out_size + self._large_size > self._max_out:
                            self.queued()
                except BaseException as error:
                    life.take_error(error)
                    if isinstance(error, (KeyboardInterrupt, SystemExit)):
                        raise
                    return life.reading
                if result is None and life.ready:
                    life.busy = False
                    return not self._late()
                life.take_result(result)
                return life.reading and not self._late()
        return self._deliver_slowly(event) and not self._late()

    cdef bint _late(self) except -1:
        """Tell whether the turn has lasted too long, and is over."""
        if sock_coarse_time() <= self.reactor.deadline:
            return False
        self.fall_behind()
        return True

    cdef bint _deliver_slowly(self, event) except -1:
        cdef Lifecycle life = self.lifecycle
        if isinstance(event, Ping):
            # RFC 6455 §5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
            # response".
            if not self.close_sent:
                self._encode(Pong(event.payload))
                self.queued()
        elif isinstance(event, Close):
            self.close_received = True
            life.peer_closed(event.code, event.detail, event.answer)
            return False
        elif isinstance(event, ProtocolError):
            life.violated(event)
            return False
        return life.receive(event)

    cpdef bint offer(self, info) except -1:
        """Push an info at once that is a message, if nobody is to be asked; tell whether it was."""
        cdef Lifecycle life = self.lifecycle
        if not (life.pushes_infos and life.ready) or life.busy:
            return False
        if PyThread_get_thread_ident() != self.reactor.thread and not self.reactor.in_loop_thread():
            return False
        if type(info) is not Prepared and not isinstance(info, MESSAGE_TYPES):
            return False
        try:
            self._encode(info)
        except Exception:  # a lone surrogate, say: nothing was appended
            return False
        self.queued()
        return True

    # Out.

    cpdef push(self, message):
        """Queue a message; it leaves at the end of the turn."""
        self._encode(message)
        self.queued()

    cpdef append(self, data):
        """Queue bytes, such as the 101."""
        self._append(bytes(data))

    cdef int _append(self, bytes whole) except -1:
        cdef Py_ssize_t size = len(whole)
        if size:
            self._settle_large()
            sock_copy(self._room(size), <const uint8_t *>PyBytes_AS_STRING(whole), size)
            self._out_size += size
        return 0

    cpdef queued(self):
        """See to it that what was queued leaves, and that not too much of it waits."""
        cdef Py_ssize_t queued = self._out_size + self._large_size
        if not self.in_turn:
            self.reactor.wake(self)
        if queued > self._max_out:
            self.lifecycle.note_pending(queued + <Py_ssize_t>self.pipe.pending)

    cpdef Py_ssize_t queued_size(self) noexcept:
        """Return how many bytes are queued. From any thread."""
        return self._out_size + self._large_size

    cpdef flush(self):
        """Send all that is queued, now."""
        cdef uint8_t *out = self._out
        cdef Py_ssize_t size = self._out_size, capacity = self._out_capacity
        cdef const uint8_t *more = self._large_data
        cdef Py_ssize_t more_size = self._large_size
        cdef object large = self._large  # keeps alive what is sent
        cdef bytearray data
        if size == 0:  # a large payload stands behind its head
            return
        self._out = NULL
        self._out_size = self._out_capacity = self._large_size = 0
        self._large = None
        try:
            if self._raw is not None:
                self._raw.raw_write(out, size, more, more_size)
            else:
                data = PyByteArray_FromStringAndSize(NULL, size + more_size)
                memcpy(PyByteArray_AS_STRING(data), out, size)
                if more_size:
                    memcpy(PyByteArray_AS_STRING(data) + size, more, more_size)
                    large = None  # it was copied
                self.pipe.write(data)
        finally:
            _give_back(out, capacity)

    cpdef forget(self):
        """Drop all that is queued: there is nobody to send it to."""
        _give_back(self._out, self._out_capacity)
        self._out = NULL
        self._out_size = self._out_capacity = self._large_size = 0
        self._large = None

    cpdef finish_turn(self):
        """Send all that the turn has to say."""
        cdef Py_ssize_t pending
        self.in_turn = False
        if self._out_size:
            self.flush()
            pending = self._raw.raw_pending() if self._raw is not None else self.pipe.pending
            if pending or self.lifecycle.outbox.full:
                self.note_pending(pending)
        if self.close_sent:
            self.end_tcp()
        if self.deadline_changed:
            self.arm()

    cpdef limit_turn(self, Py_ssize_t pending):
        """Take note of how much may be queued in this turn: what may wait, without what waits."""
        self._max_out = self._max_pending - pending

    cdef int _encode(self, message) except -1:
        """Append a message's frame; nothing is appended when it is no message."""
        global _prepared, _prepared_frame
        cdef Writer writer = self.writer
        cdef bytearray frame
        if writer._plain:
            if type(message) is str:
                PyUnicode_READY(message)
                if PyUnicode_IS_COMPACT_ASCII(message):
                    return self._frame(
                        TEXT,
                        <const uint8_t *>PyUnicode_DATA(message),
                        PyUnicode_GET_LENGTH(message),
                        message,
                    )
                message = PyUnicode_AsUTF8String(message)
                return self._frame(
                    TEXT, <const uint8_t *>PyBytes_AS_STRING(message), len(<bytes>message), message
                )
            if type(message) is bytes:
                return self._frame(
                    BINARY, <const uint8_t *>PyBytes_AS_STRING(message), len(<bytes>message), message
                )
            if type(message) is Prepared:
                if message is not _prepared:
                    frame_of_it = (<dict>message.encodings).get(PLAIN)
                    if frame_of_it is not None:
                        self._append(frame_of_it)
                        if len(<bytes>frame_of_it) <= SPARE_CAPACITY:  # it is kept for long
                            before = _prepared, _prepared_frame  # let go of when both are replaced
                            _prepared, _prepared_frame = message, frame_of_it
                            del before
                        return 0
                else:
                    return self._append(_prepared_frame)
        frame = bytearray()
        writer.push(frame, message)
        self.append(frame)
        return 0

    cdef int _frame(self, int first, const uint8_t *payload, Py_ssize_t size, owner) except -1:
        """Append a frame; a large payload is left where it is, in its owner. RFC 6455 §5.2."""
        cdef uint8_t *out
        cdef Py_ssize_t place = 2
        cdef int shift
        cdef bint large = size >= LARGE
        self._settle_large()
        out = self._room(10 + (0 if large else size))
        out[0] = <uint8_t>first
        if size < 126:
            out[1] = <uint8_t>size
        elif size < 0x10000:
            out[1], out[2], out[3] = 126, <uint8_t>(size >> 8), <uint8_t>size
            place = 4
        else:
            out[1] = 127
            for shift in range(8):
                out[2 + shift] = <uint8_t>(<uint64_t>size >> (56 - 8 * shift))
            place = 10
        if large:
            self._large, self._large_data, self._large_size = owner, payload, size
        else:
            sock_copy(out + place, payload, size)
            place += size
        self._out_size += place
        return 0

    cdef uint8_t *_room(self, Py_ssize_t size) except NULL:
        """Return where to write so many bytes more."""
        global _spare, _spare_capacity
        cdef Py_ssize_t needed = self._out_size + size
        cdef uint8_t *grown
        if needed > self._out_capacity:
            if self._out == NULL and needed <= _spare_capacity and _spare != NULL:
                self._out, self._out_capacity = _spare, _spare_capacity
                _spare, _spare_capacity = NULL, 0
            else:
                needed = max(needed, 2 * self._out_capacity, FIRST_ROOM)
                grown = <uint8_t *>PyMem_Realloc(self._out, needed)
                if grown == NULL:
                    raise MemoryError
                self._out, self._out_capacity = grown, needed
        return self._out + self._out_size

    cdef int _settle_large(self) except -1:
        """Copy the large payload after all: something comes behind it."""
        cdef Py_ssize_t size = self._large_size
        if size:
            memcpy(self._room(size), self._large_data, size)
            self._out_size += size
            self._large_size = 0
            self._large = None
        return 0

    # Of the link: what is not of every message.

    cpdef broken(self, error):
        """End after a turn that could not be finished."""
        raise NotImplementedError

    cpdef fall_behind(self):
        """Go on in the next turn, and read nothing before: this one has lasted too long."""
        raise NotImplementedError

    cpdef note_pending(self, Py_ssize_t pending):
        """Take note of what the kernel has not taken of this turn's write; 0 is the end of it."""
        raise NotImplementedError

    cpdef end_tcp(self):
        """End TCP at the end of a turn, if our Close is all that there will ever be."""
        raise NotImplementedError
