"""Bytes in, messages and control frames out, one at a time. RFC 6455 §5.

    state      input                           action                                 next state
    ---------  ------------------------------  -------------------------------------  ----------
    BETWEEN    a whole, plain, final frame     deliver it                             BETWEEN
    BETWEEN    the head of another data frame  begin a message                        FRAME
    BETWEEN    a continuation                  deliver a ProtocolError                FINISHED
    FRAME      a part of the payload           unmask, inflate, check and keep it     FRAME
    FRAME      the end of a frame, not final   wait for the next one                  MESSAGE
    FRAME      the end of a final frame        deliver the message                    BETWEEN
    MESSAGE    a continuation                  count it                               FRAME
    MESSAGE    another data frame              deliver a ProtocolError                FINISHED
    not FRAME  a whole ping or pong            deliver it                             the same
    not FRAME  a whole Close                   deliver it                             FINISHED
    not FRAME  a part of a head, or of a       keep it                                the same
               control frame
    any        a broken rule, or a limit       deliver the error                      FINISHED
    FINISHED   anything                        ignore it                              FINISHED

In BETWEEN, `_message` is None. In FRAME, `_message.left` is more than 0. MESSAGE is between two
frames of one message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias, final

from sock.spec.errors import ProtocolError
from sock.spec.message import Ping, Pong

from .assembly import Assembly
from .frame import FIN, MASKED, RSV1, UNLIMITED, Close, Opcode, check_head, check_length, control
from .mask import unmask
from .traffic import RECEIVED

if TYPE_CHECKING:
    from .stream import Inflater

Event: TypeAlias = str | bytes | Ping | Pong | Close | ProtocolError
"""What a parser delivers: a message, a control frame, or, as the last event, an error."""

Deliver: TypeAlias = Callable[[Event], bool]
"""Takes one event; returns whether the parser may go on to the next."""

_DATA: Final = frozenset((Opcode.CONTINUATION, Opcode.TEXT, Opcode.BINARY))

# Two tables for masked frames under 126 bytes, by the second byte of the frame. Key and payload
# are read as one little-endian integer, with the key in its lowest 32 bits. The key times _REPEATED
# repeats it over the whole integer. _ROUNDED has the bytes of the result, in whole words.
_REPEATED: Final = tuple(
    sum(1 << 32 * word for word in range((second - MASKED + 3) // 4 + 1)) if second >= MASKED else 0
    for second in range(MASKED + 126)
)
_ROUNDED: Final = tuple((max(second - MASKED, 0) + 7) // 4 * 4 for second in range(MASKED + 126))


@final
class Parser:
    r"""Turns the bytes from one peer into events.

    It is lazy: it does not look at the bytes behind an event before `deliver` has taken the event.
    The work is linear in the bytes received. An idle parser keeps no buffer. In the middle of a
    message it keeps that message, once, and at most one incomplete head or control frame.

    Args:
        max_message_size: the most bytes of a message, when it is complete and inflated; None for
            no limit.
        max_fragments: the most frames of a message; None for no limit.
        inflater: inflates, if compression was agreed on; from now on it belongs to the parser.
        masked: whether the peer is a client, which masks; a server does not.

    >>> parser = Parser(max_message_size=None, max_fragments=None, masked=False)
    >>> parser.feed(b"\x81\x02hi", lambda event: print(repr(event)) or True)
    'hi'
    True
    """

    __slots__ = (
        "_finished",
        "_inflater",
        "_masked",
        "_max_fragments",
        "_max_size",
        "_message",
        "_offset",
        "_rest",
        "_short",
        "messages",
        "payload_bytes",
    )

    def __init__(
        self,
        *,
        max_message_size: int | None,
        max_fragments: int | None,
        inflater: Inflater | None = None,
        masked: bool = True,
    ) -> None:
        self._max_size = min(UNLIMITED if max_message_size is None else max_message_size, UNLIMITED)
        self._max_fragments = min(UNLIMITED if max_fragments is None else max_fragments, UNLIMITED)
        self._inflater = inflater
        self._masked = MASKED if masked else 0
        # The greatest second byte of a frame that `feed` reads without `_step`. An unmasked frame
        # always takes `_step`.
        self._short = MASKED + min(125, self._max_size) if masked else 0
        self._message: Assembly | None = None
        self._rest: bytes = b""
        self._offset = 0
        self._finished = False
        self.messages: int = 0
        """Messages that are complete."""
        self.payload_bytes: int = 0
        """The bytes of their payloads, inflated."""

    @property
    def finished(self) -> bool:
        """Whether a Close or an error was delivered. All bytes after it are ignored."""
        return self._finished

    def feed(self, data: bytes, deliver: Deliver, /) -> bool:
        """Take bytes from the peer, and deliver the events that are complete.

        If the peer breaks the protocol, the last event is a `ProtocolError`, after all good events
        before it. If `deliver` raises, the parser must not be used any more.

        Args:
            data: the received bytes; empty to go on where `deliver` stopped the parser. A parser
                that is stopped copies new bytes behind those that wait, so stop receiving too.
            deliver: takes one event at a time, in order; the parser stops if it returns False. It
                must not call `feed`.

        Returns:
            Whether all bytes were handled. If not, `deliver` has stopped the parser.
        """
        if self._finished:
            return True
        position = 0
        if self._rest:
            if data:
                data = self._rest[self._offset :] + data
            else:
                data, position = self._rest, self._offset
            self._rest = b""
        end = len(data)
        from_bytes = int.from_bytes
        short = self._short
        longest = self._max_size if short else 0
        # The counts of the process follow at the end: for every message they would cost 4 % of an
        # echo (16 in one feed, CPython 3.11).
        messages, payload_bytes = self.messages, self.payload_bytes
        try:
            while position < end:
                if self._message is None:
                    # Most frames are whole text or binary messages without compression. They are
                    # read here: 64 bytes of text take 0.9 µs, and `_step` takes 6 (16 in one feed,
                    # CPython 3.11).
                    while end - position > 5:
                        first = data[position]
                        if first not in (0x81, 0x82):
                            break
                        second = data[position + 1]
                        if 127 < second <= short:
                            size = second - MASKED
                            stop = position + size + 6
                            if stop > end:
                                break
                            # One integer for key and payload takes 0.86 µs, and two take 0.93.
                            word = from_bytes(data[position + 2 : stop], "little")
                            word ^= (word & 0xFFFFFFFF) * _REPEATED[second]
                            payload = word.to_bytes(_ROUNDED[second], "little")[4 : second - 124]
                        elif second == 254 and end - position > 7:
                            size = data[position + 2] << 8 | data[position + 3]
                            stop = position + 8 + size
                            if not 125 < size <= longest or stop > end:
                                break
                            payload = unmask(
                                data[position + 8 : stop], data[position + 4 : position + 8]
                            )
                        else:
                            break
                        event: Event = payload
                        if first == 0x81:
                            try:
                                event = payload.decode()
                            except UnicodeDecodeError:
                                break
                        position = stop
                        self.messages += 1
                        self.payload_bytes += size
                        if not deliver(event):
                            return self._pause(data, position)
                    if position == end:
                        break
                try:
                    outcome, stop = self._step(data, position, end)
                except ProtocolError as error:
                    self._finish()
                    return deliver(error)
                if stop == position:
                    self._rest, self._offset = data[position:], 0
                    break
                position = stop
                if outcome is None:
                    continue
                if isinstance(outcome, Close):
                    self._finish()
                    return deliver(outcome)
                if not deliver(outcome):
                    return self._pause(data, position)
        finally:
            if short:  # what a server sends to a client of ours is no message to this process
                RECEIVED.messages += self.messages - messages
                RECEIVED.payload_bytes += self.payload_bytes - payload_bytes
        return True

    def _pause(self, data: bytes, position: int) -> bool:
        # An offset is kept, as cutting off the delivered bytes at each pause would be quadratic.
        if position < len(data):
            self._rest, self._offset = data, position
        return False

    def _finish(self) -> None:
        self._finished = True
        self._message = None
        self._inflater = None

    def _step(self, data: bytes, position: int, end: int) -> tuple[Event | None, int]:
        """Take one head, one control frame or one piece of a payload.

        Returns:
            The event that is complete with it, or None; and the position behind it, which is
            `position` itself if too few bytes have arrived.
        """
        message = self._message
        if message is None or not message.left:
            return self._begin_frame(data, position, end)
        stop = min(end, position + message.left)
        message.add(data[position:stop])
        return self._end_frame(message), stop

    def _begin_frame(self, data: bytes, position: int, end: int) -> tuple[Event | None, int]:
        if end - position < 2:
            return None, position
        first, second = data[position], data[position + 1]
        opcode = first & 0x0F
        size = second & 0x7F
        continued = self._message is not None
        check_head(first, second, self._masked, self._inflater is not None, continued)
        start = position + 2
        if size > 125:
            extra = 2 if size == 126 else 8
            start += extra
            if end < start:
                return None, position
            size = int.from_bytes(data[position + 2 : start], "big")
            check_length(size, extra)
        key = b""
        if self._masked:
            key = data[start : start + 4]
            start += 4
            if end < start:
                return None, position
        stop = start + size
        if opcode not in _DATA:
            if end < stop:
                return None, position
            return control(opcode, unmask(data[start:stop], key) if key else data[start:stop]), stop
        message = self._message
        if message is None:
            message = self._message = Assembly(
                text=opcode == Opcode.TEXT,
                inflater=self._inflater if first & RSV1 else None,
                max_size=self._max_size,
                max_fragments=self._max_fragments,
            )
        message.begin_frame(size, key, final=bool(first & FIN))
        return self._end_frame(message), start

    def _end_frame(self, message: Assembly) -> str | bytes | None:
        if message.left or not message.final:
            return None
        complete = message.finish()
        self._message = None
        self.messages += 1
        self.payload_bytes += message.size
        return complete
