"""Requests in a way of one's own, for the cases that need bytes which no client sends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from sock.spec import Headers

from .verdict import Failure

if TYPE_CHECKING:
    from .talk import Talk

QUIET: Final = 0.3
"""Seconds in which a host that would answer once more does so."""

_READ: Final = 64 * 1024
_LAST: Final = b"\r\n\r\n"


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What came in answer to bytes.

    Args:
        status: of the first answer; None where TCP ended without one.
        headers: of the first answer.
        behind: what came behind its head.
        ended: whether the host has ended TCP.
    """

    status: int | None
    headers: Headers
    behind: bytes
    ended: bool


def fields_of_handshake(talk: Talk) -> dict[str, str]:
    """Return the fields of a valid opening handshake."""
    host, port = talk.address
    return {
        "Host": f"{host}:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }


async def asked(
    talk: Talk,
    *more: str,
    line: str = "GET {} HTTP/1.1",
    without: str = "",
    behind: bytes = b"",
    wait: bool = False,
    **instead: str,
) -> Answer:
    """Ask for the case's Sock in a way of one's own.

    Args:
        talk: the run.
        more: lines of fields that are added.
        line: of the request, with its target left out.
        without: a field that is left out.
        behind: bytes in the same piece, behind the head.
        wait: whether to wait for what comes behind the first answer.
        instead: other values of fields; an underscore in a name is a hyphen.
    """
    fields = fields_of_handshake(talk)
    fields |= {name.replace("_", "-"): value for name, value in instead.items()}
    lines = [f"{name}: {value}" for name, value in fields.items() if name != without]
    head = "\r\n".join([line.format(talk.target), *lines, *more]).encode("latin-1") + _LAST
    return await exchange(talk, head + behind, wait=wait)


async def requested(
    talk: Talk, *more: str, line: str = "GET {} HTTP/1.1", body: bytes = b"", wait: bool = False
) -> Answer:
    """Send an ordinary request for what the case's application answers.

    Args:
        talk: the run.
        more: lines of fields that are added.
        line: of the request, with its target left out.
        body: bytes behind the head.
        wait: whether to wait for what comes behind the head of the answer.
    """
    host, port = talk.address
    lines = [line.format(talk.target), f"Host: {host}:{port}", *more]
    return await exchange(talk, "\r\n".join(lines).encode("latin-1") + _LAST + body, wait=wait)


async def exchange(talk: Talk, *pieces: bytes, wait: bool = False, pause: float = 0.0) -> Answer:
    """Connect, send bytes, and read the first answer.

    Args:
        talk: the run.
        pieces: sent one after the other.
        wait: whether to wait for what comes behind the first answer.
        pause: seconds between two pieces.
    """
    reader, writer = await asyncio.open_connection(*talk.address)
    said, ended = b"", False
    try:
        for number, piece in enumerate(pieces):
            await asyncio.sleep(pause if number else 0)
            writer.write(piece)
        async with asyncio.timeout(talk.patience):
            while not ended and _LAST not in said:
                bits = await _read(reader)
                said, ended = said + bits, not bits
        while wait and not ended:
            try:
                async with asyncio.timeout(QUIET):
                    bits = await _read(reader)
            except TimeoutError:
                break
            said, ended = said + bits, not bits
    finally:
        writer.transport.abort()
    head, _, behind = said.partition(_LAST)
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name, value.strip()) for name, _, value in (one.partition(":") for one in lines)]
    status = int(first.split(" ")[1]) if first.startswith("HTTP/") else None
    return Answer(status, Headers(pairs), behind, ended)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read once; nothing where TCP has ended."""
    try:
        return await reader.read(_READ)
    except ConnectionError:
        return b""


def has_status(answer: Answer, *expected: int | None) -> None:
    """Take an answer with one of these statuses; None is the end of TCP without an answer."""
    if answer.status not in expected:
        wanted = " or ".join(map(str, expected))
        raise Failure(f"the status is {answer.status}, not {wanted}")


async def made_nothing(talk: Talk) -> None:
    """Find that no handler was made."""
    if (records := await talk.peek()) != []:
        raise Failure(f"a handler was made for no valid handshake: {records}")
