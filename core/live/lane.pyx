"""The lane of a message, compiled: the twin of `src/sock/live/lane.py`, with the same names.

The difference is where bytes are kept: in memory of C, which `sock.wire.raw_parser` reads and
`sock.wire.raw_writer` fills. Only a pipe or a caller that has no such memory gets objects.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int64_t, uint8_t

from sock.engine.keepalive cimport Keepalive
from sock.engine.lifecycle cimport Lifecycle
from sock.live.tcp_connection cimport TcpConnection
from sock.loop.raw_pipe cimport RawPipe
from sock.loop.reactor cimport Reactor
from sock.loop.scope cimport Scope, Scoped
from sock.wire.parser cimport Parser
from sock.wire.raw_parser cimport RawDeliver, raw_feed
from sock.wire.raw_writer cimport (
    FrameBuffer,
    raw_append,
    raw_clear,
    raw_joined,
    raw_push,
    raw_size,
    raw_take,
)
from sock.wire.writer cimport Writer

from sock.engine import encoded_size
from sock.live.state import OPEN
from sock.spec import Ping, Pong, Prepared, ProtocolError
from sock.spec.message import MESSAGE_TYPES, Whole
from sock.wire.frame import Close


cdef extern from "Python.h":
    ctypedef struct PyObject
    const size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    bint PyCoro_CheckExact(object value)
    bint PyMethod_Check(object value)
    PyObject *PyMethod_GET_FUNCTION(object method)
    PyObject *PyMethod_GET_SELF(object method)
    PyObject *PyObject_Vectorcall(PyObject *function, PyObject **arguments, size_t count, PyObject *names) noexcept
    void Py_DECREF(PyObject *value)
    const Py_ssize_t PY_SSIZE_T_MAX


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()


cdef extern from "clock.h":
    int64_t sock_coarse_time() noexcept nogil


# What `deliver` calls for each message, as functions whose exceptions it looks at itself. Cython would
# add a jump to its own handling of exceptions, for which a try statement would be needed.
ctypedef PyObject *(*UncheckedBegin)(Lane lane, object coroutine) noexcept
ctypedef int (*UncheckedPush)(FrameBuffer *buffer, Writer writer, object message) noexcept
ctypedef int (*UncheckedQueued)(Lane lane) noexcept


cdef inline PyObject *call(callback, event) noexcept:
    """Call a callback; return its result, NULL where an exception is set."""
    cdef PyObject *arguments[2]
    if PyMethod_Check(callback):
        arguments[0], arguments[1] = PyMethod_GET_SELF(callback), <PyObject *>event
        return PyObject_Vectorcall(PyMethod_GET_FUNCTION(callback), arguments, 2, NULL)
    arguments[1] = <PyObject *>event
    return PyObject_Vectorcall(
        <PyObject *>callback, arguments + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL
    )


cdef inline object taken(PyObject *returned):
    """Return an object that a function of C has returned as a new reference."""
    cdef object result = <object>returned
    Py_DECREF(returned)
    return result


cdef object begin(Lane lane, coroutine):
    return lane.reactor.eager.begin(coroutine, lane)


cdef int queued(Lane lane) except -1:
    lane.queued()
    return 0


cdef int raise_set_exception() except -1:
    """Let Cython take note of an exception that a function of C has set."""
    return -1


cdef bint failed(Lane lane) except -1:
    """Report the exception that is set; return whether the parser may go on.

    A try statement saves what is being handled before it begins. In `deliver` it would take three
    in a hundred of all instructions for a message (bench, echo-16).
    """
    try:
        raise_set_exception()
    except BaseException as error:
        lane.lifecycle.take_error(error)
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
    return lane.lifecycle.reading


cdef bint deliver(Lane lane, event) except -1:
    """Hand one event to its callback, queue the result; return whether the parser may go on.

    It is given to `raw_feed` as a `RawDeliver`, together with the lane. Declaring the lane as one
    saves a conversion for every message (bench, echo-16).
    """
    cdef Lifecycle life = lane.lifecycle
    cdef object callback, result
    cdef PyObject *returned
    if lane.close_sent:  # everything that follows our Close is ignored, except for the peer's Close
        if isinstance(event, Close):
            lane.close_received = True
        return True
    if life.ready:
        callback = life.on_text if type(event) is str else life.on_binary if type(event) is bytes else None
        if callback is not None:
            life.busy = True
            # No try statement here, see `failed`.
            returned = call(callback, event)
            if returned == NULL:
                return failed(lane)
            result = taken(returned)
            if PyCoro_CheckExact(result) and not lane.debug:
                returned = (<UncheckedBegin>begin)(lane, result)
                if returned == NULL:
                    return failed(lane)
                result = taken(returned)
            if (type(result) is str or type(result) is bytes) and life.ready:
                if (<UncheckedPush>raw_push)(&lane._out, lane.writer, result) < 0:
                    return failed(lane)
                result = None
                if raw_size(&lane._out) > lane._max_out and (<UncheckedQueued>queued)(lane) < 0:
                    return failed(lane)
            if result is None and life.ready:
                life.busy = False
                return lane._turn_goes_on()
            life.take_result(result)
            return life.reading and lane._turn_goes_on()
    return lane._deliver_slowly(event) and lane._turn_goes_on()


cdef bint deliver_within_rate(Lane lane, event) except -1:
    """Do as `deliver` does, where the peer has a limit. Others do not pay for it."""
    if not lane.close_sent and isinstance(event, (str, bytes, Ping, Pong)):
        if not lane.within_rate(encoded_size(event)):
            return False
        return deliver(lane, event) and lane.lifecycle.reading
    return deliver(lane, event)


cdef class Lane(TcpConnection):
    """The part of a `Link` that runs for every message. A `Link` is a `Lane`."""

    cdef _set_up_lane(
        self,
        Reactor reactor,
        request,
        handler,
        options,
        Keepalive keepalive,
        bint debug,
        Scope scope,
        pipe,
        Parser parser,
        Writer writer,
    ):
        """Do what a constructor would do, as `LiveConnection._set_up` does it."""
        self._set_up(reactor, request, handler, options, keepalive, debug, scope)
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
        raw_clear(&self._out)

    cpdef turn(self):
        """Do the work that waits. Mostly that is to send what others have pushed."""
        cdef Lifecycle life = self.lifecycle
        if life.ready and not self.unread and self.state is OPEN:
            # No code of the application runs, so its context need not be entered: a sixth of what a
            # copy costs beside the kernel (bench, topics-1).
            try:
                self.finish_turn()
            except BaseException as error:
                self.run_in_scope(self.broken, error)
                raise
        else:
            Scoped.turn(self)

    # From the peer to the handler.

    def received(self, bytes data not None, /):
        """Handle all messages that are complete, then send all answers in one write."""
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
        """Do the same as `received` does, with bytes that belong to no object."""
        cdef object context = self.enter()
        try:
            self.keepalive.heard = self.reactor.now
            self.in_turn = True
            self.unread = not raw_feed(self.parser, data, size, None, self._deliver(), self)
            self.finish_turn()
        except BaseException as error:
            self.broken(error)
            raise
        finally:
            self.leave(context)
        return 0

    cpdef feed(self, bytes data):
        """Give bytes to the parser, and handle the events in them; no bytes let it go on."""
        self.unread = not raw_feed(
            self.parser, <const uint8_t *>PyBytes_AS_STRING(data), len(data), data, self._deliver(), self
        )

    cdef RawDeliver _deliver(self) noexcept:
        return <RawDeliver>deliver if self.throttle is None else <RawDeliver>deliver_within_rate

    cdef bint _turn_goes_on(self) except -1:
        """Return whether this turn has time left; if not, the rest waits for the next one."""
        if sock_coarse_time() <= self.reactor.deadline:
            return True
        self.fall_behind()
        return False

    cdef bint _deliver_slowly(self, event) except -1:
        """Handle an event that is not a message for an idle connection."""
        cdef Lifecycle life = self.lifecycle
        if isinstance(event, Ping):
            # RFC 6455 §5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in
            # response".
            if not self.close_sent:
                raw_push(&self._out, self.writer, Pong(event.payload))
                self.queued()
        elif isinstance(event, Close):
            self.close_received = True
            life.peer_closed(event.code, event.detail, event.answer)
            return False
        elif isinstance(event, ProtocolError):
            life.violated(event)
            return False
        return life.receive(event)

    cpdef bint overdue(self) except -1:
        """Tell whether this turn has lasted too long. Asked after each info: a clock that is cheap."""
        return sock_coarse_time() > self.reactor.deadline

    cpdef bint offer(self, info) except -1:
        """Push an info that is a message, if no callback must see it; return whether it was pushed."""
        cdef Lifecycle life = self.lifecycle
        if type(info) is Whole:
            if not life.pushes_whole:
                return False
            info = info.message
        elif not life.pushes_infos:
            return False
        if not life.ready or life.busy:
            return False
        if PyThread_get_thread_ident() != self.reactor.thread and not self.reactor.in_loop_thread():
            return False
        if type(info) is not Prepared and not isinstance(info, MESSAGE_TYPES):
            return False
        try:
            raw_push(&self._out, self.writer, info)
        except Exception:  # a lone surrogate, for instance; nothing was appended
            return False
        self.queued()
        return True

    # From the handler to the peer.

    cpdef push(self, message):
        """Queue a message, which is sent at the end of the turn."""
        raw_push(&self._out, self.writer, message)
        self.queued()

    cpdef append(self, data):
        """Queue bytes as they are, such as the 101 response."""
        raw_append(&self._out, bytes(data))

    cpdef queued(self):
        """Ask for a turn that sends the queued bytes, and hold the limit of the send buffer."""
        cdef Py_ssize_t queued = raw_size(&self._out)
        if not self.in_turn:
            self.reactor.wake(self)
        if queued > self._max_out:
            self.lifecycle.note_pending(queued + <Py_ssize_t>self.pipe.pending)

    cpdef tuple traffic(self):
        """Return the messages received, their bytes, the messages sent, and their bytes."""
        cdef Parser parser = self.parser
        cdef Writer writer = self.writer
        return parser.messages, parser.payload_bytes, writer.messages, writer.payload_bytes

    cpdef Py_ssize_t queued_size(self) noexcept:
        """Return how many bytes are queued. May be called from any thread."""
        return raw_size(&self._out)

    cpdef flush(self):
        """Send all queued bytes now."""
        cdef FrameBuffer out
        cdef bytearray data
        if self._out.size == 0:
            return
        out = raw_take(&self._out)
        try:
            if self._raw is not None:
                self._raw.raw_write(out.data, out.size, out.large, out.large_size)
            else:
                data = raw_joined(&out)
                raw_clear(&out)
                self.pipe.write(data)
        finally:
            raw_clear(&out)

    cpdef forget(self):
        """Drop all queued bytes, as there is no peer any more."""
        raw_clear(&self._out)

    cpdef finish_turn(self):
        """Send everything that was queued during the turn."""
        cdef Py_ssize_t pending
        self.in_turn = False
        if self._out.size:
            self.flush()
            pending = self._raw.raw_pending() if self._raw is not None else self.pipe.pending
            if pending or self.lifecycle.outbox.full:
                self.note_pending(pending)
        if self.close_sent:
            self.end_tcp()
        if self.deadline_changed:
            self.arm()

    cpdef limit_turn(self, Py_ssize_t pending):
        """Lower the limit of this turn by the bytes that the kernel has not taken yet."""
        self._max_out = self._max_pending - pending

    # The rest is done by `Link`.

    cpdef broken(self, error):
        """End the connection after a turn that could not be finished."""
        raise NotImplementedError

    cpdef fall_behind(self):
        """Stop reading until the next turn, as this one has lasted too long."""
        raise NotImplementedError

    cpdef note_pending(self, Py_ssize_t pending):
        """Note how many bytes of this turn's write the kernel has not taken, 0 for none."""
        raise NotImplementedError

    cpdef end_tcp(self):
        """Close TCP at the end of a turn, if nothing can follow our Close frame."""
        raise NotImplementedError
