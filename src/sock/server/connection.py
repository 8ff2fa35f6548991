"""One connection in its HTTP phase: from the accepted socket to the 101, or to its end.

    in        what happens                        what is done                            then
    --------  ----------------------------------  --------------------------------------  --------
    READING   a request is complete               an `Exchange` is begun                  ASKING
    READING   the bytes are no request            400, 413, 417, 431, 501, 505            LEAVING
    READING   reading fails, for want of memory   500, and the loop is told               LEAVING
    READING   the turn has lasted too long        the next request is read in the next    READING
    READING   time is up, a request has begun     408                                     LEAVING
    READING   FIN, a request has begun            400                                     LEAVING
    READING   time is up or FIN, none has         TCP is closed                           LEAVING
    READING   the peer takes no answers           nothing is read until it does           READING
    ASKING    bytes                               kept; over max_head_size: not read      ASKING
    ASKING    FIN, and an upgrade is asked for    the exchange is cancelled, TCP closed   LEAVING
    ASKING    the answer is there                 sent; the next request is read          READING
    ASKING    … and it is the last one            sent, then FIN                          LEAVING
    ASKING    a handler is there                  a Link has the pipe, this has none   LEAVING
    LEAVING   bytes                               dropped; too many: TCP is reset         LEAVING
    LEAVING   FIN, or the patience is at its end  TCP is closed                           LEAVING

Requests are answered one at a time, so pipelined ones are answered in order (RFC 9112 §9.3.2). A
last answer is followed by FIN and a little patience, not by a close: closing with unread bytes
would reset the connection, and the peer might lose the answer (RFC 9112 §9.6).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, final

from sock import telemetry
from sock.loop.wakeable import Wakeable
from sock.spec import Response

from .exchange import Exchange
from .head import BadRequest
from .reader import Reader
from .response import CONTINUE, render

if TYPE_CHECKING:
    from sock.live import Link
    from sock.loop import Alarm, Pipe

    from .server import Server

_PATIENCE: Final = 2.0
"""Seconds that a peer has to take its last answer and to end its side."""

_MAX_DROPPED: Final = 1024 * 1024
"""Bytes that a peer may send on behind its last request."""


class _State(Enum):
    READING = "reading"
    ASKING = "asking"
    LEAVING = "leaving"


# A global is looked up faster than a member of an enum.
_READING: Final = _State.READING
_ASKING: Final = _State.ASKING
_LEAVING: Final = _State.LEAVING


@final
class Connection(Wakeable):
    """The receiver of an accepted pipe, until a `Link` takes over.

    Args:
        server: whose application answers.
        pipe: to the peer.
        full: whether the server has all the connections it may have: the first request gets a 503.
    """

    __slots__ = (
        "_advancing",
        "_alarm",
        "_dropped",
        "_ended",
        "_exchange",
        "_full",
        "_idle",
        "_paused",
        "_reader",
        "_server",
        "_state",
        "_taken",
        "last",
        "pipe",
    )

    def __init__(self, server: Server, pipe: Pipe, *, full: bool) -> None:
        super().__init__()
        self.pipe = pipe
        self.last = False
        """Whether the next answer is the last one."""
        self._server = server
        self._full = full
        options = server.options
        self._reader = Reader(options.max_head_size, options.max_body_size, pipe)
        self._exchange: Exchange | None = None
        self._state = _READING
        self._advancing = False
        self._alarm: Alarm | None = None
        self._idle = False  # between two requests
        self._paused = False
        self._ended = False  # the peer has sent FIN
        self._dropped = 0
        self._taken = 0
        self._wait(server.options.handshake_timeout)

    # The receiver of the pipe.

    def received(self, data: bytes, /) -> None:
        """Read what has come, unless an answer is under way."""
        if self._state is _LEAVING:
            self._dropped += len(data)
            if self._dropped > _MAX_DROPPED:
                self.pipe.abort()
            return
        try:
            self._reader.feed(data)
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing more may be read
            self._fail(error)
            return
        if self._state is _READING and not self.pipe.pending and not self.woken:
            self.go_on()
        elif not self._paused and self._reader.waiting > self._server.options.max_head_size:
            self._paused = True
            self.pipe.pause()

    def ended(self) -> None:
        """Finish what can be finished for a peer that may still listen."""
        self._ended = True
        if self._state is _LEAVING:
            self._close()
        elif self._state is _READING:
            if not self.pipe.pending and not self.woken:
                self._end_reading()
        elif self._exchange is not None and self._exchange.upgrading:
            self._close()

    def drained(self) -> None:
        """Go on with the next request, or leave, now that the peer has taken all answers."""
        if self._state is _LEAVING:
            self._wait(_PATIENCE)
        else:
            self.go_on()

    def lost(self) -> None:
        """Forget it; whatever the application is about to answer, nobody will see it."""
        self._let_go()

    # For the server.

    def shutdown(self) -> None:
        """Drain: close it when it is idle; else the answer under way is its last."""
        self.last = True
        reading = self._state is _READING and not self.pipe.pending
        if reading and not self._reader.begun:
            self._close()

    def abort(self) -> None:
        """Cut the connection."""
        self.pipe.abort()

    # For the exchange.

    def send(self, data: bytes) -> None:
        """Send the answer; then the next request may be read, or this was the last."""
        exchange, self._exchange = self._exchange, None
        self._state = _READING
        try:
            self.pipe.write(data)
        except BaseException:  # half an answer, and nothing else may follow that
            self._state = _LEAVING
            self.pipe.abort()
            raise
        if exchange is None or not exchange.keep_alive:
            self._leave()

    def hand_over(self, link: Link, head: bytes) -> None:
        """Give the pipe to a link, with the 101 and with what came behind the request."""
        self._exchange = None
        early = self._reader.take_rest()
        self._server.link_made(link)
        self._let_go()
        if self._paused:
            self.pipe.resume()
        link.begin(head, early)

    def go_on(self) -> None:
        """Read requests and have them answered, as far as that goes at once."""
        if self._advancing:  # an application that answered at once, from within the loop below
            return
        if self._paused and self._state is _READING:
            self._paused = False
            self.pipe.resume()
        self._advancing = True
        try:
            while self._state is _READING and not self.pipe.pending:
                request = self._reader.next()
                if request is None:
                    if not self._reader.unfinished:
                        self._wait_for_more()
                        return
                    if self._late():
                        return
                    continue
                self._wait(None)
                self._idle = True
                self._state = _ASKING
                keep_alive = self._reader.keep_alive
                self._exchange = Exchange(self, self._server, request, keep_alive=keep_alive)
                del request  # its body is the application's, to keep or to let go of
                self._exchange.begin(full=self._full)
                if self._reader.waiting and self._late():
                    return
        except BadRequest as error:
            self._reject(error.status, error.detail)
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing more may be read
            self._fail(error)
        finally:
            self._advancing = False
        if self._state is _READING:
            self._watch_taking()

    def turn(self) -> None:
        """Go on with what an earlier turn had no time for."""
        if self._state is _READING and not self.pipe.pending:
            self.go_on()

    # Reading.

    def _late(self) -> bool:
        """Tell whether the turn has lasted too long: then what is left is for the next one."""
        reactor = self._server.reactor
        if self.pipe.pending or not reactor.overdue():  # what is pending ends the turn anyhow
            return False
        reactor.wake(self)
        return True

    def _fail(self, error: BaseException) -> None:
        """End after an error while reading: what comes behind it is never read as a request."""
        if self._state is _LEAVING:  # it is a link's, or has had its last answer
            raise error
        self._cancel()
        self._state = _LEAVING
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.pipe.abort()
            raise error
        self._server.loop.call_exception_handler(
            {"message": "a request could not be read; its connection ends", "exception": error}
        )
        response = Response(500, "internal server error\n")
        self.send(render(response, None, keep_alive=False))

    def _wait_for_more(self) -> None:
        reader = self._reader
        if self._ended:
            self._end_reading()
        elif reader.begun:
            if reader.expects_continue:
                reader.expects_continue = False
                self.pipe.write(CONTINUE)
            if self._idle:  # the time of each request begins with its first byte
                self._idle = False
                self._wait(self._server.options.handshake_timeout)
        elif self.last:
            self._close()
        elif self._idle:
            self._wait(self._server.options.handshake_timeout)

    def _end_reading(self) -> None:
        if self._reader.begun:
            self._reject(400, "the request is not complete (RFC 9112 §8)")
        else:
            self._close()

    def _reject(self, status: int, detail: str) -> None:
        """Answer what is no request."""
        client = self.pipe.client
        telemetry.emit("request.refused", client=client, status=status, detail=detail)
        self.send(render(Response(status, f"{detail}\n"), None, keep_alive=False))

    # Leaving.

    def _leave(self) -> None:
        """Send FIN behind the last answer, and give the peer a little time to take it."""
        self._state = _LEAVING
        self._reader.close()
        if self._ended:
            self._close()
            return
        self.pipe.finish()
        if self._paused:
            self._paused = False
            self.pipe.resume()
        if self.pipe.pending:
            self._watch_taking()
        else:
            self._wait(_PATIENCE)

    def _close(self) -> None:
        """Close TCP when the peer has taken what waits for it."""
        self._state = _LEAVING
        self._reader.close()
        self._cancel()
        self._wait(None)
        self.pipe.close()
        self._watch_taking()

    def _let_go(self) -> None:
        self._state = _LEAVING
        self._reader.close()
        self._cancel()
        self._wait(None)
        self._server.forget(self)

    def _cancel(self) -> None:
        if self._exchange is not None:
            self._exchange.cancel()
            self._exchange = None

    # Time.

    def _wait(self, seconds: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None
        if seconds is not None:
            self._alarm = self._server.reactor.after(seconds, self._time_is_up)

    def _watch_taking(self) -> None:
        if self.pipe.pending:
            self._taken = self.pipe.taken
            self._wait(self._server.options.send_timeout)

    def _time_is_up(self) -> None:
        self._alarm = None
        if self.pipe.pending:
            if self.pipe.taken == self._taken:
                self.pipe.abort()
            else:
                self._watch_taking()
        elif self._state is _READING and self._reader.begun:
            self._reject(408, "the request did not come in time (RFC 9110 §15.5.9)")
        else:
            self._close()
