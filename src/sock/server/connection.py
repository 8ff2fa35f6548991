"""One connection in its HTTP phase: from the accepted socket to the 101, or to its end.

    in        what happens                          what is done                         then
    --------  ------------------------------------  -----------------------------------  -------
    READING   a request is complete                 an `Exchange` is begun               ASKING
    READING   the bytes are no request              400, 413, 417, 431, 501 or 505       LEAVING
    READING   reading fails, for want of memory     500, and the loop reports it         LEAVING
    READING   the turn has lasted too long          the next turn reads on               READING
    READING   time is up, a request has begun       408                                  LEAVING
    READING   FIN, a request has begun              400                                  LEAVING
    READING   time is up or FIN, none has begun     TCP is closed                        LEAVING
    READING   the peer does not take its answers    nothing is read until it does        READING
    READING   the server drains, none has begun     TCP is closed                        LEAVING
    READING   the server drains, one has begun      its answer will be the last one      READING
    ASKING    the server drains                     the answer will be the last one      ASKING
    ASKING    bytes                                 kept; over max_head_size: not read   ASKING
    ASKING    FIN, the request asks to upgrade      cancelled, and TCP is closed         LEAVING
    ASKING    FIN, it does not                      noted: the answer is still sent      ASKING
    ASKING    the answer                            sent; the next request is read       READING
    ASKING    the answer, and it is the last one    sent, then FIN                       LEAVING
    ASKING    the answer is a connection            a `Link` gets the pipe               LEAVING
    LEAVING   bytes                                 dropped; too many: TCP is reset      LEAVING
    LEAVING   FIN, or the patience is at its end    TCP is closed                        LEAVING
    any       the peer takes nothing, time is up    TCP is reset                         LEAVING
    any       TCP is lost                           cancelled, and all is let go of      LEAVING

Requests are answered one at a time, so pipelined ones are answered in order (RFC 9112 §9.3.2). The
last answer is followed by FIN and a little patience, not by a close: a close with unread bytes
resets the connection, and the peer may lose the answer (RFC 9112 §9.6).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, final

from sock import telemetry
from sock.hosting.asking import internal_server_error
from sock.live.held import Held
from sock.loop.wakeable import Wakeable
from sock.spec import Response

from .exchange import Exchange
from .head import SPEAKS_TLS, BadRequest
from .reader import Reader
from .response import CONTINUE, render

if TYPE_CHECKING:
    from sock.live import Link
    from sock.loop import Alarm, Pipe
    from sock.spec import Request

    from .service import Service

_LEAVE_TIMEOUT: Final = 2.0
"""Seconds that a peer has to take its last answer and to send its FIN."""

_MAX_DROPPED: Final = 1024 * 1024
"""Bytes that a peer may send behind its last request before it is cut."""


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
        service: whose application answers.
        pipe: to the peer.
        full: whether this is one connection too many, so that its first request is answered with
            503.
    """

    __slots__ = (
        "_advancing",
        "_alarm",
        "_between_requests",
        "_dropped_bytes",
        "_exchange",
        "_fin_received",
        "_full",
        "_paused",
        "_reader",
        "_service",
        "_state",
        "_taken_before",
        "next_answer_is_last",
        "pipe",
    )

    def __init__(self, service: Service, pipe: Pipe, *, full: bool) -> None:
        super().__init__()
        self.pipe = pipe
        self.next_answer_is_last = False
        """Whether the next answer is the last one on this connection."""
        self._service = service
        self._full = full
        options = service.options
        self._reader = Reader(options.max_head_size, options.max_body_size, pipe)
        self._exchange: Exchange | None = None
        self._state = _READING
        self._advancing = False  # whether `go_on` is running
        self._alarm: Alarm | None = None
        self._between_requests = False  # whether one was answered, and the next has not begun
        self._paused = False
        self._fin_received = False
        self._dropped_bytes = 0
        self._taken_before = 0  # what the peer had taken when its time to take more began
        self._set_alarm(options.handshake_timeout)

    @property
    def owes_an_answer(self) -> bool:
        """Whether it is new, or has a request that is not complete or not answered."""
        if self._state is _READING:
            return not self._between_requests
        return self._state is _ASKING

    # The receiver of the pipe.

    def received(self, data: bytes, /) -> None:
        """Read what has come, unless an answer is under way."""
        if self._state is _LEAVING:
            self._dropped_bytes += len(data)
            if self._dropped_bytes > _MAX_DROPPED:
                self.pipe.abort()
            return
        try:
            self._reader.feed(data)
        except BaseException as error:  # noqa: BLE001 - after any error nothing more may be read
            self._fail(error)
            return
        if self._state is _READING and not self.pipe.pending and not self.woken:
            self.go_on()
        elif not self._paused and self._reader.waiting > self._service.options.max_head_size:
            self._paused = True
            self.pipe.pause()

    def ended(self) -> None:
        """Note the peer's FIN. It may still read, so an ordinary request is still answered."""
        self._fin_received = True
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
            self._set_alarm(_LEAVE_TIMEOUT)
        else:
            self.go_on()

    def lost(self) -> None:
        """Let go of everything: the peer will not see the answer."""
        self._release()

    # Called by the drain.

    def shutdown(self) -> None:
        """Close the connection when it is idle; else the answer under way is its last one."""
        self.next_answer_is_last = True
        reading = self._state is _READING and not self.pipe.pending
        if reading and not self._reader.begun:
            self._close()

    @property
    def request(self) -> Request | None:
        """The request that the application has not answered; None for none."""
        return None if self._exchange is None else self._exchange.request

    def held_by(self) -> Held:
        """Return what holds up the end of this connection."""
        pending = self.pipe.pending
        return Held("peer" if self._exchange is None else "application", pending=pending)

    def cut(self) -> None:
        """Cut the connection."""
        self.pipe.abort()

    # Called by the exchange.

    def send(self, data: bytes) -> None:
        """Send the answer. Then the next request is read, unless this answer is the last one."""
        exchange, self._exchange = self._exchange, None
        self._state = _READING
        try:
            self.pipe.write(data)
        except BaseException:  # nothing may follow an answer that was perhaps sent in part
            self._state = _LEAVING
            self.pipe.abort()
            raise
        if exchange is None or not exchange.keep_alive:
            self._leave()

    def hand_over(self, link: Link, head: bytes) -> None:
        """Give the pipe to a link, with the 101 and with the bytes that came behind the request."""
        self._exchange = None
        early = self._reader.take_rest()
        self._service.link_made(link)
        self._release()
        if self._paused:
            self.pipe.resume()
        link.begin(head, early)

    def go_on(self) -> None:
        """Read requests and have them answered, until one waits for bytes or for its answer."""
        if self._advancing:  # the application has answered at once, within the loop below
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
                    if self._defer_if_overdue():
                        return
                    continue
                self._set_alarm(None)
                self._between_requests = True
                self._state = _ASKING
                keep_alive = self._reader.keep_alive
                exchange = self._exchange = Exchange(self, self._service, request)
                del request  # the application alone decides how long its body is kept
                exchange.begin(full=self._full, keep_alive=keep_alive)
                del exchange
                if self._reader.waiting and self._defer_if_overdue():
                    return
        except BadRequest as error:
            self._reject(error.status, error.detail)
        except BaseException as error:  # noqa: BLE001 - after any error nothing more may be read
            self._fail(error)
        finally:
            self._advancing = False
        if self._state is _READING:
            self._watch_progress()

    def turn(self) -> None:
        """Read what an earlier turn had no time for."""
        if self._state is _READING and not self.pipe.pending:
            self.go_on()

    # Reading.

    def _defer_if_overdue(self) -> bool:
        """Tell whether the turn has lasted too long; then the next turn reads the rest."""
        reactor = self._service.reactor
        if self.pipe.pending or not reactor.overdue():  # pending bytes end the reading anyhow
            return False
        reactor.wake(self)
        return True

    def _fail(self, error: BaseException) -> None:
        """End after an error while reading. The bytes behind it are never read as a request."""
        if self._state is _LEAVING:  # a link has raised it, or the last answer was sent
            raise error
        self._cancel()
        self._state = _LEAVING
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self.pipe.abort()
            raise error
        self._service.loop.call_exception_handler(
            {"message": "a request could not be read; its connection ends", "exception": error}
        )
        self.send(render(internal_server_error(), None, keep_alive=False))

    def _wait_for_more(self) -> None:
        reader = self._reader
        if self._fin_received:
            self._end_reading()
        elif reader.begun:
            if reader.expects_continue:
                reader.expects_continue = False
                self.pipe.write(CONTINUE)
            if self._between_requests:  # the time of each request begins with its first byte
                self._between_requests = False
                self._set_alarm(self._service.options.handshake_timeout)
        elif self.next_answer_is_last:
            self._close()
        elif self._between_requests:
            self._set_alarm(self._service.options.handshake_timeout)

    def _end_reading(self) -> None:
        if self._reader.begun:
            self._reject(400, "the request is not complete (RFC 9112 §8)")
        else:
            self._close()

    def _reject(self, status: int, detail: str) -> None:
        """Answer bytes that are no request."""
        client = self.pipe.client
        telemetry.emit("request.refused", client=client, status=status, detail=detail)
        if detail is SPEAKS_TLS and self.pipe.tls is None:
            telemetry.emit("tls.unexpected", client=client)
        self.send(render(Response(status, f"{detail}\n"), None, keep_alive=False))

    # Leaving.

    def _leave(self) -> None:
        """Send FIN behind the last answer, and give the peer a little time to take both."""
        self._state = _LEAVING
        self._reader.close()
        if self._fin_received:
            self._close()
            return
        self.pipe.finish()
        if self._paused:
            self._paused = False
            self.pipe.resume()
        if self.pipe.pending:
            self._watch_progress()
        else:
            self._set_alarm(_LEAVE_TIMEOUT)

    def _close(self) -> None:
        """Close TCP when the peer has taken the bytes that wait for it."""
        self._state = _LEAVING
        self._reader.close()
        self._cancel()
        self._set_alarm(None)
        self.pipe.close()
        self._watch_progress()

    def _release(self) -> None:
        self._state = _LEAVING
        self._reader.close()
        self._cancel()
        self._set_alarm(None)
        self._service.http_over(self)

    def _cancel(self) -> None:
        if self._exchange is not None:
            self._exchange.cancel()
            self._exchange = None

    # Time.

    def _set_alarm(self, seconds: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None
        if seconds is not None:
            self._alarm = self._service.reactor.after(seconds, self._time_is_up)

    def _watch_progress(self) -> None:
        if self.pipe.pending:
            self._taken_before = self.pipe.taken
            self._set_alarm(self._service.options.send_timeout)

    def _time_is_up(self) -> None:
        self._alarm = None
        if self.pipe.pending:
            if self.pipe.taken == self._taken_before:
                self.pipe.abort()
            else:
                self._watch_progress()
        elif self._state is _READING and self._reader.begun:
            self._reject(408, "the request did not come in time (RFC 9110 §15.5.9)")
        else:
            self._close()
