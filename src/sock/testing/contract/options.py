"""Section 17: that each limit is kept, as it is by default and as the `Upgrade` gives it."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sock.spec import Compression, Options
from sock.testing.client import End
from sock.testing.peer import frame
from sock.wire.frame import RSV1

from .case import case
from .raw import asked
from .subject import Subject
from .verdict import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sock.testing.client import Client

    from .talk import Talk

_MEBIBYTE: Final = 2**20
_SOON: Final = 0.3  # seconds, of the limits on time


class _Sizes(Subject):
    """Says of each message how large it is."""

    def handle_in(self, message: str | bytes, /) -> str:
        return str(len(message))


async def _is_too_big(talk: Talk, client: Client) -> None:
    talk.is_code(await client.receive(), 1009)
    client.hang_up()
    await talk.hears(client, End.FIN)
    await talk.journal("made", "init", "terminate Failed(MessageTooBig)")


def _pieces(count: int, size: int = 1) -> bytes:
    """Return a binary message in so many frames."""
    opcodes = [0x2, *[0x0] * (count - 1)]
    return b"".join(
        [frame(opcode, bytes(size), fin=at == count - 1) for at, opcode in enumerate(opcodes)]
    )


# max_message_size


@case(_Sizes, ["S17.1"], options=Options(max_message_size=1000))
async def a_message_of_max_message_size_is_taken(talk: Talk) -> None:
    client = await talk.open()
    await client.send(bytes(1000))
    await talk.hears(client, "1000")


@case(_Sizes, ["S15.4", "S17.1"], options=Options(max_message_size=1000))
async def fragments_are_counted_together(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(_pieces(2, 501))
    await _is_too_big(talk, client)


@case(_Sizes, ["S17.1"])
async def a_message_of_a_mebibyte_is_taken_where_nothing_is_said(talk: Talk) -> None:
    client = await talk.open()
    await client.send(bytes(_MEBIBYTE))
    await talk.hears(client, str(_MEBIBYTE))


@case(_Sizes, ["S17.1"], needs=["close"])
async def a_message_of_more_is_not(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(frame(0x2, bytes(_MEBIBYTE + 1)))
    talk.is_code(await client.receive(), 1009)
    # TCP may end in whatever way: much of the message is still on its way.
    await talk.journal("made", "init", "terminate Failed(MessageTooBig)")


@case(_Sizes, ["S17.1"], needs=["options"], options=Options(max_message_size=None))
async def a_limit_may_be_taken_away(talk: Talk) -> None:
    client = await talk.open()
    await client.send(bytes(2 * _MEBIBYTE))
    await talk.hears(client, str(2 * _MEBIBYTE))


# max_fragments


@case(_Sizes, ["S15.5", "S17.1"], needs=["options"], options=Options(max_fragments=3))
async def a_message_of_max_fragments_is_taken_and_one_of_more_is_not(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(_pieces(3))
    await talk.hears(client, "3")
    await client.send_bytes(_pieces(4))
    await _is_too_big(talk, client)


@case(_Sizes, ["S15.5", "S17.1"], needs=["options"])
async def a_message_of_more_than_1024_fragments_is_not_taken(talk: Talk) -> None:
    client = await talk.open()
    await client.send_bytes(_pieces(1024))
    await talk.hears(client, "1024")
    await client.send_bytes(_pieces(1025))
    await _is_too_big(talk, client)


# max_mailbox


class _Floods(Subject):
    """Sends itself as many infos as it is told, and handles them when it is released."""

    async def handle_in(self, message: str, /) -> None:
        for number in range(int(message)):
            self.run.refs[0].send(number)
        self.note("flooded")
        await self.run.released.wait()

    def handle_info(self, info: Any, /) -> Any:
        return "last" if info == 1023 else None


@case(_Floods, ["S17.1"])
async def a_mailbox_keeps_1024_infos_where_nothing_is_said(talk: Talk) -> None:
    client = await talk.open()
    await client.send("1024")
    await talk.until("flooded")
    await talk.release()
    await talk.hears(client, "last")


@case(_Floods, ["S11.5", "S16.1", "S17.1"])
async def one_more_closes_with_1013(talk: Talk) -> None:
    client = await talk.open()
    await client.send("1025")
    await talk.is_closed(client, 1013)


# max_read_ahead, max_send_buffer: however small, nothing is lost.


class _Slow(Subject):
    async def handle_in(self, message: str, /) -> AsyncIterator[str]:
        for part in range(3):
            yield f"{message}.{part}"


_SMALL: Final = Options(max_read_ahead=1, max_send_buffer=1)


@case(_Slow, ["S2.12", "S11.4", "S17.1"], options=_SMALL)
async def the_smallest_buffers_lose_nothing_and_keep_the_order(talk: Talk) -> None:
    client = await talk.open()
    await client.send(*map(str, range(50)))
    await talk.hears(client, *[f"{number}.{part}" for number in range(50) for part in range(3)])


# idle_timeout, close_timeout


@case(
    Subject,
    ["S12.1", "S16.1", "S17.1"],
    needs=["idle"],
    options=Options(idle_timeout=_SOON, ping_interval=None),
)
async def a_silent_peer_is_closed_after_idle_timeout(talk: Talk) -> None:
    client = await talk.open()
    await talk.is_closed(client, 3008)
    await talk.journal("made", "init", "terminate TimedOut()")


class _Leaves(Subject):
    def handle_in(self, message: str, /) -> Any:
        raise LookupError(message)


@case(_Leaves, ["S9.3", "S17.1"], needs=["close"], options=Options(close_timeout=_SOON))
async def a_peer_that_does_not_answer_the_close_is_cut(talk: Talk) -> None:
    client = await talk.open()
    await client.send("go")
    talk.is_code(await client.receive(), 1011)
    heard = await client.receive()
    if not isinstance(heard, End):
        raise Failure(f"{heard!r} came, but TCP was to end")


# compression


_COMPRESSED: Final = Options(compression=Compression(threshold=0))


@case(_Sizes, ["S17.1"], needs=["options"], options=_COMPRESSED)
async def compression_is_agreed_on_where_the_upgrade_allows_it(talk: Talk) -> None:
    client = await talk.open(compression=Compression())
    if "permessage-deflate" not in client.head.headers.get("sec-websocket-extensions", ""):
        raise Failure("the offer was declined")
    # "Hello", twice, the second time by the window: RFC 7692 §7.2.3.2.
    await client.send_bytes(frame(0x1, bytes.fromhex("f248cdc9c90700"), rsv=4))
    await client.send_bytes(frame(0x1, bytes.fromhex("f200110000"), rsv=4))
    await talk.hears(client, "5", "5")


@case(_Sizes, ["S15.7", "S17.1"], needs=["options"])
async def compression_is_off_where_nothing_is_said(talk: Talk) -> None:
    client = await talk.open(compression=Compression())
    found = client.head.headers.get("sec-websocket-extensions")
    if found is not None:
        raise Failure(f"the 101 says Sec-WebSocket-Extensions: {found}")


class _Pushes(Subject):
    """Pushes as many bytes as it is told."""

    def handle_in(self, message: str, /) -> bytes:
        return bytes(int(message))


@case(_Pushes, ["S17.1"], needs=["options", "early"], options=Options(compression=True))
async def what_is_said_of_compression_by_default_holds(talk: Talk) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    for size, is_compressed in ((1023, False), (1024, True)):
        answer = await asked(talk, offer, behind=frame(0x1, str(size).encode()), wait=True)
        agreed = answer.headers.get("sec-websocket-extensions", "")
        if "server_max_window_bits=12" not in agreed or "no_context_takeover" in agreed:
            raise Failure(f"the 101 says Sec-WebSocket-Extensions: {agreed}")
        first = answer.behind[0] if answer.behind else 0
        if bool(first & RSV1) is not is_compressed:
            word = "compressed" if first & RSV1 else "not compressed"
            raise Failure(f"a message of {size} bytes is {word}")


@case(
    _Sizes,
    ["S15.4", "S17.1"],
    needs=["options"],
    options=Options(compression=Compression(), max_message_size=1000),
)
async def what_is_inflated_counts(talk: Talk) -> None:
    client = await talk.open(compression=Compression())
    # A thousand and one zeros and more, in a few bytes.
    await client.send_bytes(frame(0x2, _deflated(bytes(100_000)), rsv=4))
    await _is_too_big(talk, client)


def _deflated(data: bytes) -> bytes:
    import zlib

    deflater = zlib.compressobj(wbits=-15)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(
        b"\0\0\xff\xff"
    )
