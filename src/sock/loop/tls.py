"""A pipe that speaks TLS over another pipe, for both reactors.

    in           what happens                    what is done                            then
    -----------  ------------------------------  --------------------------------------  -----------
    HANDSHAKING  bytes, the first is TLS         kept; a step of the handshake waits     HANDSHAKING
    HANDSHAKING  bytes, the first is not TLS     answered in plain text, then FIN        CLOSING
    HANDSHAKING  many bytes before the step      reading pauses until the step           HANDSHAKING
    HANDSHAKING  the step needs more bytes       our part is sent                        HANDSHAKING
    HANDSHAKING  the step completes it           our part is sent, the rest is read      OPEN
    HANDSHAKING  the step fails                  our alert is sent, then FIN             CLOSING
    HANDSHAKING  FIN, close or finish            TCP is closed (2)                       CLOSING
    OPEN         bytes                           decrypted, and given on in one call     OPEN
    OPEN         bytes that are not TLS          our alert is sent, then FIN (1)         CLOSING
    OPEN         close_notify, or FIN without    the receiver hears of the end           OPEN
    OPEN         write                           encrypted, and written in one call      OPEN
    OPEN         finish                          close_notify is sent, then FIN          FINISHED
    OPEN         close                           close_notify is sent, then FIN          CLOSING
    FINISHED     bytes                           decrypted, and given on in one call     FINISHED
    FINISHED     close_notify, or FIN without    the receiver hears of the end           FINISHED
    FINISHED     close                           TCP is closed                           CLOSING
    CLOSING      bytes                           dropped                                 CLOSING
    CLOSING      FIN, or the patience ends       TCP is closed                           CLOSING
    any          abort                           TCP is reset                            CLOSING
    any          TCP is lost                     the receiver is told                    LOST

    (1) and the receiver hears of the end
    (2) and telemetry is told, unless the peer has said nothing

The receiver is there from the beginning, so its own deadline bounds the handshake too. The steps of
handshakes wait in the queue of a `SharedTLS`.
"""

from __future__ import annotations

import ssl
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry

from .agreed_tls import agreed
from .pipe import NO_RECEIVER

if TYPE_CHECKING:
    from sock.spec.request import Address
    from sock.spec.tls import TLSInfo

    from .pipe import Pipe, Receiver
    from .shared_tls import SharedTLS
    from .timer import Alarm

_MAX_KEPT: Final = 64 * 1024
"""Bytes of a handshake, or of answers to the peer's TLS itself, that may wait."""

_PATIENCE: Final = 1.0
"""Seconds in which a peer should answer our close_notify, or our alert."""

_RECORD: Final = 16 * 1024
"""Bytes in one record at most (RFC 8446 §5.1)."""

_WRITE: Final = 64 * 1024
"""Encrypted bytes that are collected for one write."""

_HANDSHAKE: Final = 0x16
"""The first byte of each TLS connection (RFC 8446 §5.1)."""

_APPLICATION_DATA: Final = 0x17
"""The first byte of each record that has bytes for the receiver (RFC 8446 §5.1)."""

_HEAD: Final = 5
"""Bytes of a record in front of its content: type, version, length (RFC 8446 §5.1)."""


class _State(Enum):
    HANDSHAKING = "handshaking"
    OPEN = "open"
    FINISHED = "finished"
    CLOSING = "closing"
    LOST = "lost"


# A global is looked up faster than a member of an enum.
_HANDSHAKING: Final = _State.HANDSHAKING
_OPEN: Final = _State.OPEN
_FINISHED: Final = _State.FINISHED
_CLOSING: Final = _State.CLOSING
_LOST: Final = _State.LOST


@final
class TLSPipe:
    """A `Pipe` that speaks TLS, and the receiver of the pipe below it.

    Args:
        shared: what all TLS pipes of the server share.
        lower: the pipe to the peer.
    """

    __slots__ = (
        "_alarm",
        "_between_records",
        "_decrypt",
        "_encrypt",
        "_fin_received",
        "_held",
        "_kept",
        "_lower",
        "_paused",
        "_peer_ended",
        "_shared",
        "_state",
        "_tls",
        "receiver",
        "tls",
    )

    def __init__(self, shared: SharedTLS, lower: Pipe) -> None:
        self.receiver: Receiver = NO_RECEIVER
        self.tls: TLSInfo | None = None
        """What was agreed; None until the handshake is complete."""
        self._shared = shared
        self._lower = lower
        self._tls: ssl.SSLObject | None = None  # made when the peer has begun to speak
        self._decrypt: Any = None  # what `read` and `write` of `_tls` call; from the handshake on
        self._encrypt: Any = None
        self._between_records = False  # OpenSSL has no bytes for which it waits to see more
        self._state = _HANDSHAKING
        self._kept: bytearray | None = None  # bytes for the next step, which waits in the queue
        self._paused = False  # by the receiver
        self._held = False  # by ourselves, as too much waits
        self._fin_received = False  # in the handshake
        self._peer_ended = False  # by close_notify or FIN, and the receiver knows it
        self._alarm: Alarm | None = None

    # The receiver of the pipe below.

    def received(self, data: bytes, /) -> None:
        """Decrypt what has come and give it on, or keep it for the next step of the handshake."""
        if self._state is _OPEN or self._state is _FINISHED:
            if not self._peer_ended:  # RFC 8446 §6.1: data behind a closure alert "MUST be ignored"
                self._read(data)
        elif self._state is _HANDSHAKING:
            self._take_part(data)

    def ended(self) -> None:
        """Note the peer's FIN: after our last word TCP ends, before it the receiver is told."""
        if self._state is _CLOSING:
            self._lower.close()
        elif self._state is _HANDSHAKING:
            self._fin_received = True
            if self._kept is None:  # otherwise the step that waits looks at it
                self.close()
        else:
            self._note_end()

    def drained(self) -> None:
        """Go on, now that the peer has taken all that waited for it."""
        if self._state is _CLOSING:
            self._wait_for_the_end()
        self._let_go()
        self.receiver.drained()

    def lost(self) -> None:
        """Let go of everything."""
        self._state = _LOST
        self._tls = self._decrypt = self._encrypt = self._kept = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        receiver = self.receiver
        self.receiver = NO_RECEIVER  # the two refer to each other, and both shall be freed at once
        receiver.lost()

    # The handshake.

    def _take_part(self, data: bytes) -> None:
        if self._tls is None and self._kept is None and data[0] != _HANDSHAKE:
            self._fail("it does not speak TLS", answer=self._shared.plain_answer)
            return
        if self._kept is None:
            self._kept = bytearray(data)
            self._shared.queue(self)
        else:
            self._kept += data
            if len(self._kept) > _MAX_KEPT:
                self._hold()

    def step(self) -> None:
        """Take the next step of the handshake, with all bytes that have come for it."""
        kept, self._kept = self._kept, None
        if self._state is not _HANDSHAKING or kept is None:  # closed or lost while it waited
            return
        shared = self._shared
        failure = None
        info = None
        try:
            if self._tls is None:
                self._tls = shared.new_tls(shared.incoming, shared.outgoing)
            shared.incoming.write(kept)
            self._tls.do_handshake()
            info = agreed(self._tls)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            failure = _reason(error)
        except BaseException:  # no memory, say
            self._shared.empty()
            self._lower.abort()
            raise
        self._send()
        if info is not None:
            self.tls = info
            # Without the methods in Python that are around these, and looked up once: two frames
            # and four look-ups less (bench, tls-1).
            inner: Any = getattr(self._tls, "_sslobj", self._tls)
            self._decrypt, self._encrypt = inner.read, inner.write
            self._state = _OPEN
            self._let_go()
            self._read(b"")
            if self._fin_received and self._state is _OPEN:
                self._note_end()
        elif failure is not None:
            self._shared.empty()
            self._fail(f"the handshake failed: {failure}")
        elif self._fin_received:
            self.close()
        else:
            self._let_go()

    # Reading.

    def _read(self, data: bytes) -> None:
        """Decrypt these bytes and those in the memory, and give them on in one call."""
        assert self._decrypt is not None, "the handshake is complete"
        one_record = self._between_records and _is_one_record(data)
        self._between_records = False
        # Python makes an object of this size, then shortens it (bench, tls-1). It is enough for
        # what has come now; where its record has begun earlier, the next read has the rest.
        size = min(len(data), _RECORD)
        whole = b""
        pieces: list[bytes] | None = None
        failure = None
        try:
            self._shared.feed(data)
            if one_record:
                whole = self._decrypt(size)
                ended = not whole
            else:
                pieces = []
                ended = self._read_all(pieces, size)
        except ssl.SSLWantReadError:  # a part of a record
            ended = False
        except ssl.SSLZeroReturnError:
            ended = True
        except ssl.SSLError as error:
            failure = _reason(error)
            ended = False
        except BaseException:  # no memory, say: bytes are lost, and nothing may follow them
            self._shared.empty()
            self._lower.abort()
            raise
        if whole:
            # This is what nearly always comes. Nothing is left in the memories: OpenSSL reads no
            # further than it must, and TLS itself answers other records only. Not to look at them
            # saves 4 % of all instructions (bench, tls-1).
            self._between_records = True
            self.receiver.received(whole)
            return
        if ended or failure is not None:
            self._shared.incoming.read()  # what is behind it
        if self._shared.outgoing.pending:  # the answer to a change of keys, or an alert
            self._send()
            if self._lower.pending > _MAX_KEPT:  # the peer asks, and takes no answers
                self._hold()
        if pieces:
            self.receiver.received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if self._state is _OPEN or self._state is _FINISHED:
            if failure is not None:
                self._fail(failure)
            elif ended:
                self._note_end()

    def _read_all(self, pieces: list[bytes], size: int) -> bool:
        """Decrypt all that is in the memory.

        Args:
            pieces: where it is put.
            size: the bytes that may come of the first record; 0 for as many as there are.

        Returns:
            Whether the peer has ended TLS.
        """
        incoming, decrypt = self._shared.incoming, self._decrypt
        more: bool = size > 0 or incoming.pending > 0
        while more:
            piece: bytes = decrypt(size or _RECORD)
            if not piece:
                return True
            pieces.append(piece)
            more = len(piece) == size < _RECORD or incoming.pending > 0
            size = _RECORD
        self._between_records = bool(pieces)
        return False

    def _note_end(self) -> None:
        """Tell the receiver that the peer sends nothing more."""
        if not self._peer_ended:
            self._peer_ended = True
            self.receiver.ended()

    def _fail(self, detail: str, answer: bytes = b"") -> None:
        """End after bytes that are not the TLS that is expected. The alert has been sent."""
        self._state = _CLOSING
        telemetry.emit("tls.failed", client=self.client, detail=detail)
        if answer:
            self._lower.write(answer)
        self._lower.finish()
        self._wait_for_the_end()
        self._note_end()

    # Reading pauses for the receiver, and for ourselves.

    def pause(self, dead_after: float | None = None, /) -> None:
        """Stop reading, so that TCP holds the peer back."""
        self._paused = True
        self._lower.pause(dead_after)

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        if not self._held:
            self._lower.resume()

    def _hold(self) -> None:
        self._held = True
        self._lower.pause()

    def _let_go(self) -> None:
        if self._held:
            self._held = False
            if not self._paused:
                self._lower.resume()

    # Writing.

    @property
    def pending(self) -> int:
        """Encrypted bytes that the kernel has not taken."""
        return self._lower.pending

    @property
    def taken(self) -> int:
        """Encrypted bytes that the kernel has taken."""
        return self._lower.taken

    @property
    def client(self) -> Address | None:
        """Host and port of the peer."""
        return self._lower.client

    @property
    def server(self) -> Address | None:
        """Host and port that the peer has connected to."""
        return self._lower.server

    def write(self, data: bytes | bytearray, /) -> None:
        """Encrypt and send. Before the handshake is complete, and after an end, bytes are lost."""
        size = len(data)
        if self._state is not _OPEN or not size:
            return
        try:
            if size <= _RECORD:
                self._encrypt(data)
                self._lower.write(self._shared.take())
            else:
                self._write_records(memoryview(data))
        except ssl.SSLError as error:  # the peer has sent half a change of keys, and waits
            self._shared.empty()
            self._fail(_reason(error))
        except BaseException:  # a part has perhaps left already, and no other bytes may follow it
            self._shared.empty()
            self._lower.abort()
            raise

    def _write_records(self, data: memoryview) -> None:
        outgoing, at = self._shared.outgoing, 0
        while at < len(data):
            at += self._encrypt(data[at : at + _RECORD])
            if outgoing.pending >= _WRITE or at == len(data):
                self._lower.write(outgoing.read())

    def finish(self) -> None:
        """Send what is pending, then close_notify and FIN. Reading goes on."""
        if self._state is _OPEN:
            self._state = _FINISHED
            self._say_goodbye()
            self._lower.finish()
        elif self._state is _HANDSHAKING:
            self.close()

    def close(self) -> None:
        """Send what is pending, then close_notify, and close when the peer has answered it."""
        before = self._state
        if before is _CLOSING or before is _LOST:
            return
        self._state = _CLOSING
        if before is _OPEN and not self._peer_ended:
            self._say_goodbye()
            self._lower.finish()
            self._held = self._paused = False
            self._lower.resume()  # to see its end
            self._wait_for_the_end()
        else:
            if before is _OPEN:
                self._say_goodbye()
            elif before is _HANDSHAKING and (self._tls is not None or self._kept is not None):
                detail = "the peer left" if self._fin_received else "it was closed"
                detail += " in the middle of the handshake"
                telemetry.emit("tls.failed", client=self.client, detail=detail)
            self._lower.close()

    def abort(self) -> None:
        """Close at once; what is pending is lost."""
        if self._state is not _LOST:
            self._state = _CLOSING
        self._lower.abort()

    def _say_goodbye(self) -> None:
        """Send close_notify (RFC 8446 §6.1)."""
        assert self._tls is not None, "the handshake is complete"
        try:
            self._tls.unwrap()
        except ssl.SSLError:  # it wants to read the peer's, which `received` does
            pass
        except BaseException:
            self._shared.empty()
            self._lower.abort()
            raise
        self._send()

    def _wait_for_the_end(self) -> None:
        """Give the peer a little time to end TCP, once it has all that we had to say."""
        if self._alarm is None and not self._lower.pending:
            self._alarm = self._shared.reactor.after(_PATIENCE, self._lower.abort)

    def _send(self) -> None:
        """Send what TLS itself has to say."""
        if self._shared.outgoing.pending:
            self._lower.write(self._shared.outgoing.read())


def _is_one_record(data: bytes) -> bool:
    r"""Tell whether these bytes, the first of a record, are one that has bytes for the receiver.

    >>> _is_one_record(b"\x17\x03\x03\x00\x02ab"), _is_one_record(b"\x17\x03\x03\x00\x02a")
    (True, False)
    """
    return (
        len(data) > _HEAD
        and data[0] == _APPLICATION_DATA
        and (data[3] << 8 | data[4]) + _HEAD == len(data)
    )


def _reason(error: ssl.SSLError) -> str:
    return error.reason.lower().replace("_", " ") if error.reason else str(error)
