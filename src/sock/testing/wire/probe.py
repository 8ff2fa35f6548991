"""What the conversation of a case is made of: open, send anything, and say what must come back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Final, Self, final

from sock.spec import Pong
from sock.testing.client import End
from sock.wire.frame import Close
from sock.wire.key import accept_token

from . import raw
from .connection import QUIET, Answer, Connection, described
from .fell import Fell, Skipped, told
from .inflating import Deflating, Inflating

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from .connection import Heard
    from .target import Target

MARK: Final = "sock-check"
"""Is in each message that must not come back."""

MAX_SENT: Final = 64 * 1024 * 1024
"""The bytes that one case may send."""

_FAILED: Final = "a Close with {}, then the end of TCP"
_PARAMETER: Final = re.compile(r'\s*([^=;]+?)\s*(?:=\s*"?([^";]*)"?)?\s*(?:;|$)')


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that a server should do and does not.

    Args:
        expected: what the RFC recommends.
        seen: what the server did.
    """

    expected: str
    seen: str


@final
@dataclass
class Probe:
    """One run of a case. An async context manager, which hangs up at its end.

    Args:
        target: the server.
        patience: seconds to wait for whatever must come.
        random: the source of what is random in the case.
    """

    target: Target
    patience: float
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - to be repeated
    remarks: list[Remark] = field(default_factory=list[Remark])
    connections: list[Connection] = field(default_factory=list[Connection])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for connection in self.connections:
            connection.hang_up()

    @property
    def sent(self) -> int:
        """The bytes that were sent."""
        return sum(connection.sent for connection in self.connections)

    # The handshake.

    async def connect(self, *, receive_buffer: int | None = None) -> Connection:
        """Connect TCP, and say nothing."""
        connection = await Connection.connect(
            self.target, self.patience, receive_buffer=receive_buffer
        )
        self.connections.append(connection)
        return connection

    async def ask(self, request: bytes, *more: bytes) -> tuple[Connection, Answer | End]:
        """Send bytes as a request, and read the head of the answer.

        Raises:
            Fell: there is no answer, and no end of TCP.
        """
        connection = await self.connect()
        await connection.send(request, *more)
        answer = await connection.read_answer()
        if answer is QUIET:
            raise Fell("an answer, or the end of TCP", f"nothing for {self.patience:g} s")
        assert not isinstance(answer, type(QUIET)), "excluded above"
        return connection, answer

    async def open(
        self,
        change: Mapping[str, str | None] | None = None,
        *,
        offer: str | None = None,
        receive_buffer: int | None = None,
        request: bytes | None = None,
    ) -> Connection:
        """Complete an opening handshake.

        Args:
            change: for names of fields other values; None leaves a field out.
            offer: the extensions that are offered.
            receive_buffer: the bytes that the kernel may keep for us.
            request: another handshake than the usual one.

        Raises:
            Fell: the answer is no 101.
        """
        offered = {} if offer is None else {"Sec-WebSocket-Extensions": offer}
        connection = await self.connect(receive_buffer=receive_buffer)
        made = request or raw.request(self.target, {**offered, **(change or {})})
        await connection.send(made)
        answer = await connection.read_answer()
        if not isinstance(answer, Answer) or answer.status != 101:
            raise Fell("status 101", described(answer))
        agreed = answer.get_all("sec-websocket-extensions")
        if agreed and offer is None:
            raise Fell("no extension that was not offered (RFC 6455 §4.1)", ", ".join(agreed))
        if agreed:
            connection.inflating = Inflating(parameters_of(", ".join(agreed)))
        return connection

    async def open_compressed(
        self, offer: str = "permessage-deflate", *needed: str
    ) -> tuple[Connection, Deflating]:
        """Complete a handshake that agrees on compression.

        Args:
            offer: what is offered.
            needed: parameters that the answer must have for the case to be tried.

        Raises:
            Skipped: the server declines.
        """
        connection = await self.open(offer=offer)
        inflating = connection.inflating
        if inflating is None:
            raise Skipped(f"the server declines the offer {offer!r}")
        for name in needed:
            if name not in inflating.parameters:
                raise Skipped(f"the server agrees without {name}")
        return connection, Deflating(inflating)

    # What must come back.

    def remark(self, expected: str, seen: str) -> None:
        """Note something that the server should do otherwise."""
        self.remarks.append(Remark(expected, seen))

    async def hears(self, connection: Connection, *expected: Heard) -> None:
        """Receive exactly this.

        Raises:
            Fell: something else comes.
        """
        for one in expected:
            # Cases without an echo are for applications that may push messages of their own.
            own = isinstance(one, Pong)
            heard = await (connection.control() if own else connection.receive())
            if heard != one:
                raise Fell(f"{described(one)} to come back", described(heard))

    async def talks(self, connection: Connection, text: str = "still there?") -> None:
        """Send a text, and have it come back."""
        await connection.send(raw.frame(raw.TEXT, text.encode()))
        await self.hears(connection, text)

    async def still_serves(self) -> None:
        """Open another connection, which shows that the server lives."""
        try:
            connection = await self.open()
        except Fell as fell:
            raise Fell("another client to be served afterwards", fell.seen) from None
        connection.hang_up()

    async def is_failed(self, connection: Connection, *codes: int) -> None:
        """See the server fail the connection. RFC 6455 §7.1.7.

        Args:
            connection: the connection.
            codes: the codes of which the Close frame should have one.

        Raises:
            Fell: the connection goes on, or what is wrong was taken for a message.
        """
        expected = _FAILED.format(" or ".join(map(str, codes)))
        heard = await self._close_or_end(connection, expected)
        if not isinstance(heard, Close):
            self.remark(f"{expected} (RFC 6455 §7.1.7)", f"{described(heard)} without a Close")
            return
        if heard.code not in codes:
            self.remark(expected, described(heard))
        await connection.send(raw.close(heard.code if heard.code != 1005 else None))
        ended = await connection.end()
        if not isinstance(ended, End):
            raise Fell(expected, "a Close, but TCP stays open")

    async def is_closed(self, connection: Connection, *codes: int, cleanly: bool = True) -> None:
        """See the server answer our Close, and end TCP. RFC 6455 §5.5.1, §7.1.1.

        Args:
            connection: the connection.
            codes: the codes of which the answer should have one; 1005 is none at all.
            cleanly: whether TCP should end without a reset.

        Raises:
            Fell: there is no answer, or no end.
        """
        said = " or ".join("no code" if code == 1005 else str(code) for code in codes)
        expected = f"a Close with {said}, then the end of TCP"
        heard = await self._close_or_end(connection, expected)
        if not isinstance(heard, Close):
            raise Fell(expected, described(heard))
        if heard.code not in codes:
            self.remark(expected, described(heard))
        ended = await connection.end()
        if not isinstance(ended, End):
            raise Fell(expected, "a Close, but TCP stays open")
        if cleanly and ended is End.RESET:
            self.remark("TCP to end with a FIN (RFC 6455 §7.1.1)", "a reset")

    def is_refused(self, answer: Answer | End, *statuses: int, strict: bool = False) -> None:
        """See that an answer is no 101.

        Args:
            answer: what came.
            statuses: which it should be, or must be if `strict`; none for any of 4xx.
            strict: whether the RFC names the status with a MUST.

        Raises:
            Fell: the handshake was accepted, or answered with another status.
        """
        words = " or ".join(map(str, statuses)) or "4xx"
        expected = f"the handshake to be refused with {words}"
        if isinstance(answer, Answer) and answer.status == 101:
            raise Fell(expected, "status 101")
        right = isinstance(answer, Answer) and (
            answer.status in statuses
            if statuses
            else 400 <= answer.status < 500 or answer.status in {501, 505}
        )
        if right:
            return
        if strict:
            raise Fell(expected, described(answer))
        self.remark(expected, described(answer))

    async def _close_or_end(self, connection: Connection, expected: str) -> Close | End:
        """Pass over messages of the application's own, and return the first sign of an end."""
        for _ in range(1000):
            heard = await connection.receive()
            match heard:
                case Close() | End():
                    return heard
                case str() if MARK in heard:
                    raise Fell(expected, f"it was taken for a message: {described(heard)}")
                case bytes() if MARK.encode() in heard:
                    raise Fell(expected, f"it was taken for a message: {described(heard)}")
                case Pong() if MARK.encode() in heard.payload:
                    raise Fell(expected, f"it was answered: {described(heard)}")
                case str() | bytes() | Pong():
                    continue
                case _:
                    waited = f"nothing for {self.patience:g} s; the connection stays open"
                    raise Fell(expected, waited)
        raise Fell(expected, "a thousand messages, and no end")


def parameters_of(extension: str) -> dict[str, str | None]:
    """Return the parameters in an answer that agrees on permessage-deflate.

    Raises:
        Fell: the answer names something else, or more than one extension.

    >>> parameters_of("permessage-deflate; server_max_window_bits=10; client_no_context_takeover")
    {'server_max_window_bits': '10', 'client_no_context_takeover': None}
    """
    name, _, rest = extension.partition(";")
    if name.strip() != "permessage-deflate" or "," in extension:
        raise Fell("permessage-deflate, once, or no extension at all", told(extension))
    found: dict[str, str | None] = {}
    while rest.strip():
        match = _PARAMETER.match(rest)
        if match is None or match[1] in found:
            raise Fell("parameters that RFC 7692 §7.1 defines", told(extension))
        found[match[1]] = match[2]
        rest = rest[match.end() :]
    _check_parameters(found, extension)
    return found


def accept_of(key: str) -> str:
    """Return what answers a key. RFC 6455 §4.2.2."""
    return accept_token(key).decode()


def _check_parameters(found: Mapping[str, str | None], extension: str) -> None:
    for name, value in found.items():
        flag = name in {"server_no_context_takeover", "client_no_context_takeover"}
        window = name in {"server_max_window_bits", "client_max_window_bits"}
        right = value is None if flag else window and value in {str(n) for n in range(8, 16)}
        if not right:
            raise Fell("parameters that RFC 7692 §7.1 defines", told(extension))
