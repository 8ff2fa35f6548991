"""Each close code: the bytes sent, the Close on the wire, what `terminate` gets, the log.

Codes are part of the interface [S16.1]. Through a whole server, on both reactors.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

import sock
from sock import (
    BinarySock,
    Compression,
    Failed,
    InvalidData,
    MailboxFull,
    MessageTooBig,
    Normal,
    Options,
    PeerTooSlow,
    Ping,
    ProtocolError,
    Reason,
    Remote,
    Shutdown,
    Sock,
    Stop,
    TextSock,
    TimedOut,
)
from sock.testing import Close, End, frame

pytestmark = pytest.mark.usefixtures("reactor_kind")

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
ERROR = ValueError("a secret")
MASK = b"\x37\xfa\x21\x3d"


def close(code: int, detail: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + detail)


@dataclass(frozen=True)
class Row:
    """One cause of an end.

    Args:
        cause: a few words; with the section that is behind it.
        said: bytes that the peer sends behind its handshake.
        code: in the Close frame; None for a frame without; "nothing" for no frame.
        reason: what terminate gets; for `Failed`, the type of its error is compared.
        log: the level, and a piece of the line about the end.
    """

    cause: str
    said: bytes
    code: int | str | None
    reason: Any
    log: tuple[str, str]
    handler: Any = None
    detail: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    client: dict[str, Any] = field(default_factory=dict)
    before: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.cause


class Stops(Sock):
    def handle_in(self, message):
        return Stop()


class StopsWith(Sock):
    def handle_in(self, message):
        return Stop(4001, "bye", messages=["last words"])


class StopsFor(Sock):
    def handle_in(self, message):
        return Stop(error=ERROR)


class Raises(Sock):
    def handle_in(self, message):
        raise ERROR


class RaisesLater(Sock):
    async def handle_in(self, message):
        await asyncio.sleep(0)
        raise ERROR


class RaisesWhileItPushes(Sock):
    async def handle_in(self, message):
        yield "first"
        raise ERROR


class FloodsItself(Sock):
    def init(self, ref):
        self.ref = ref

    async def handle_in(self, message):
        for number in range(4):
            self.ref.send(number)
        await asyncio.Event().wait()

    def handle_info(self, info):
        raise AssertionError("never reached: the callback before is cancelled")


class Echo(Sock):
    def handle_in(self, message):
        return message


class NoText(BinarySock):
    def handle_in(self, message):
        return message


class NoBinary(TextSock):
    def handle_in(self, message):
        return message


class OnlyPushes(Sock):
    pass


HI = frame(TEXT, b"hi")
SQUEEZED = {"options": {"compression": True}, "client": {"compression": Compression()}}
FAULT = ("info", "after ProtocolError")
BAD_TEXT = ("info", "after InvalidData")
BIG = ("info", "after MessageTooBig")


def broken(cause: str, said: bytes, section: str, **more: Any) -> Row:
    """Make the row of a peer that breaks the protocol."""
    return Row(f"{cause} {section}", said, 1002, ProtocolError, FAULT, detail=section, **more)


def bad_text(cause: str, said: bytes, section: str, **more: Any) -> Row:
    return Row(f"{cause} {section}", said, 1007, InvalidData, BAD_TEXT, detail=section, **more)


def big(cause: str, said: bytes, **more: Any) -> Row:
    section = "RFC 6455 §10.4"
    return Row(f"{cause} {section}", said, 1009, MessageTooBig, BIG, detail=section, **more)


def remote(code: int, *, answer: int) -> Row:
    return Row(
        f"the peer closes with {code} RFC 6455 §7.4",
        close(code, b"bye"),
        answer,
        Remote(code, "bye"),
        ("info", f"closed {answer} by the peer, {code} 'bye'"),
        detail="",
    )


NORMAL = ("info", "closed 1000 normal")
CRASH = ("info", "closed 1011 after ValueError")

ROWS = [
    # The table's row: Stop() | 1000 | Normal
    Row("Stop", HI, 1000, Normal(), NORMAL, Stops, ""),
    Row(
        "Stop with a code",
        HI,
        4001,
        Normal(),
        ("info", "closed 4001 normal"),
        StopsWith,
        "bye",
        before=("last words",),
    ),
    # Stop(error=e), an exception | 1011, no details | Failed(e)
    Row("Stop with an error RFC 6455 §7.4.1", HI, 1011, ValueError, CRASH, StopsFor, ""),
    Row("an exception RFC 6455 §7.4.1", HI, 1011, ValueError, CRASH, Raises, ""),
    Row(
        "an exception of a coroutine RFC 6455 §7.4.1", HI, 1011, ValueError, CRASH, RaisesLater, ""
    ),
    Row(
        "an exception of a generator RFC 6455 §7.4.1",
        HI,
        1011,
        ValueError,
        CRASH,
        RaisesWhileItPushes,
        "",
        before=("first",),
    ),
    # mailbox full of infos | 1013 | Failed(MailboxFull)
    Row(
        "mailbox full",
        HI,
        1013,
        MailboxFull,
        ("warning", "closed 1013 after MailboxFull"),
        FloodsItself,
        options={"max_mailbox": 3, "close_timeout": 0.2},
    ),
    # idle, ping unanswered | 3008 | TimedOut
    Row(
        "idle",
        b"",
        3008,
        TimedOut(),
        ("info", "closed 3008 timedout"),
        options={"idle_timeout": 0.2, "ping_interval": None},
    ),
    Row(
        "ping unanswered",
        b"",
        3008,
        TimedOut(),
        ("info", "closed 3008 timedout"),
        options={"idle_timeout": 0.35, "ping_interval": 0.2},
        before=(Ping(),),
    ),
    # peer breaks the protocol | 1002 | Failed(ProtocolError)
    *(
        broken(f"a reserved bit, {rsv}", frame(TEXT, b"hi", rsv=rsv), "RFC 6455 §5.2")
        for rsv in range(1, 8)
    ),
    *(
        broken(f"a reserved opcode, {opcode}", frame(opcode), "RFC 6455 §5.2")
        for opcode in (3, 7, 11, 15)
    ),
    *(
        broken(f"an unmasked frame, {opcode}", frame(opcode, masked=False), "RFC 6455 §5.1")
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG)
    ),
    broken("125 bytes in 16 bits", b"\x81\xfe\x00\x7d" + MASK, "RFC 6455 §5.2"),
    broken("65535 bytes in 64 bits", b"\x81\xff" + (65535).to_bytes(8, "big"), "RFC 6455 §5.2"),
    broken("a length of 64 bits", b"\x82\xff\x80" + bytes(7), "RFC 6455 §5.2"),
    *(
        broken(f"a fragment of a control frame, {code}", frame(code, fin=False), "RFC 6455 §5.5")
        for code in (CLOSE, PING, PONG)
    ),
    *(
        broken(f"126 bytes in a control frame, {code}", frame(code, b"x" * 126), "RFC 6455 §5.5")
        for code in (CLOSE, PING, PONG)
    ),
    broken("a continuation of nothing", frame(CONTINUATION, b"hi"), "RFC 6455 §5.4"),
    broken(
        "a message in another one",
        frame(TEXT, b"h", fin=False) + frame(TEXT, b"i"),
        "RFC 6455 §5.4",
    ),
    broken("half a code in a Close frame", frame(CLOSE, b"\x03"), "RFC 6455 §5.5.1"),
    broken("a compressed control frame", frame(PING, b"", rsv=4), "RFC 7692 §6.1", **SQUEEZED),
    broken(
        "a compressed continuation",
        frame(TEXT, b"\xf2", fin=False, rsv=4) + frame(CONTINUATION, b"H", rsv=4),
        "RFC 7692 §6.1",
        **SQUEEZED,
    ),
    # text to a BinarySock, binary to a TextSock | 1003 | Failed(…)
    *(
        Row(
            f"{cause} RFC 6455 §7.4.1",
            said,
            1003,
            sock.UnsupportedData,
            ("info", "closed 1003 after UnsupportedData"),
            handler,
            "RFC 6455 §7.4.1",
        )
        for cause, said, handler in (
            ("text to a BinarySock", HI, NoText),
            ("binary to a TextSock", frame(BINARY, b"hi"), NoBinary),
            ("a message to whom takes none", HI, OnlyPushes),
        )
    ),
    # bad UTF-8, broken compression | 1007 | Failed(InvalidData)
    bad_text("text that is not UTF-8", frame(TEXT, b"h\xffi"), "RFC 6455 §8.1"),
    bad_text("a surrogate", frame(TEXT, b"\xed\xa0\x80"), "RFC 6455 §8.1"),
    bad_text("half a character", frame(TEXT, b"\xe2\x82"), "RFC 6455 §8.1"),
    bad_text("a fragment that is not UTF-8", frame(TEXT, b"\xc0", fin=False), "RFC 6455 §8.1"),
    bad_text(
        "the first bad byte of a frame that never comes whole",
        b"\x81\xfe\x40\x00" + MASK + bytes((0xFF ^ MASK[0],)),
        "RFC 6455 §8.1",
    ),
    bad_text("a detail that is not UTF-8", close(1000, b"\xff"), "RFC 6455 §8.1"),
    bad_text("broken compression", frame(TEXT, b"\x06", rsv=4), "RFC 7692 §7.2.2", **SQUEEZED),
    bad_text(
        "compression that ends inside a block",
        frame(TEXT, b"\xf2", rsv=4),
        "RFC 7692 §7.2.2",
        **SQUEEZED,
    ),
    # too big, too many fragments | 1009 | Failed(MessageTooBig)
    big("a head that announces too much", b"\x82\xff" + (1 << 40).to_bytes(8, "big") + MASK),
    big("one byte too many", frame(BINARY, b"x" * 1001), options={"max_message_size": 1000}),
    big(
        "one byte too many in fragments",
        frame(BINARY, b"x" * 1000, fin=False) + frame(CONTINUATION, b"x"),
        options={"max_message_size": 1000},
    ),
    big(
        "one byte too many when inflated",
        # RFC 7692 §7.2.3.1: "Hello"
        frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4),
        options={"max_message_size": 4, "compression": True},
        client={"compression": Compression()},
    ),
    big(
        "one fragment too many",
        frame(TEXT, b"h", fin=False) + 3 * frame(CONTINUATION, b"i", fin=False),
        options={"max_fragments": 3},
    ),
    big(
        "one empty fragment too many",
        frame(TEXT, fin=False) + 3 * frame(CONTINUATION, fin=False),
        options={"max_fragments": 3},
    ),
    # peer closes | its code echoed; none: empty; a code not allowed on the wire: 1002
    *(remote(code, answer=code) for code in (1000, 1001, 1002, 1003, *range(1007, 1015))),
    *(remote(code, answer=code) for code in (3000, 3999, 4000, 4999)),
    Row(
        "the peer closes without a code RFC 6455 §5.5.1",
        frame(CLOSE),
        None,
        Remote(1005, ""),
        ("info", "closed by the peer, 1005"),
        detail="",
    ),
    *(
        remote(code, answer=1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_cause_has_its_code_its_reason_and_its_line(row: Row, talk, named, lines):
    reasons: list[Reason] = []

    class Noted(row.handler or Echo):
        def terminate(self, reason):
            reasons.append(reason)

    *before, said, end = talk(Noted, row.said, client=row.client, **row.options)
    assert tuple(before) == row.before
    assert isinstance(said, Close)
    assert said.code == (1005 if row.code is None else row.code)
    if row.detail is not None:
        assert (row.detail in said.detail) if row.detail else (said.detail == "")
    assert end is End.FIN
    check_reason(reasons, row.reason)
    check_told(named, lines, row.code, reasons[0], row.log)
    raised = row.reason is ValueError
    assert [fields["error"] for fields in named("callback.failed")] == [ERROR] * raised
    assert str(ERROR) not in said.detail
    errors = [text for _, level, text in lines() if level == "error"]
    assert len(errors) == raised
    assert not named("handshake.failed")


def check_reason(reasons, expected) -> None:
    assert len(reasons) == 1
    if isinstance(expected, Reason):
        assert reasons == [expected]
    else:
        assert type(reasons[0]) is Failed
        assert type(reasons[0].error) is expected


def check_told(named, lines, code, reason, log) -> None:
    """One event and one line about the end, whatever it was."""
    (told,) = named("connection.closed")
    assert told["code"] == code
    assert told["reason"] == reason
    level, piece = log
    about = [line for line in lines() if "closed" in line[2]]
    assert [(found, piece in text) for _, found, text in about] == [(level, True)], about


def test_a_server_that_stops_says_1012(run_async, dial, hear, noting, named, lines):
    async def act():
        async with sock.serve(noting) as server:
            peers = [await dial(server) for _ in range(3)]
            draining = asyncio.ensure_future(server.drain())
            for peer in peers:
                close, end = await hear(peer)
                assert (close.code, end) == (1012, End.FIN)
            await draining
        assert noting.notes[3:] == [Shutdown()] * 3
        assert [told["code"] for told in named("connection.closed")] == [1012] * 3
        assert sum("closed 1012 shutdown" in text for _, _, text in lines()) == 3
        for peer in peers:
            await peer.__aexit__(None, None, None)

    run_async(act())


def test_a_peer_that_takes_nothing_is_cut_and_its_code_is_known_here_alone(
    run_async, dial, noting, named, lines
):
    """The Close stands behind what it does not take: 1013 is in the log and in the event."""

    class Pours(noting):
        async def handle_in(self, message):
            while True:
                yield b"x" * 65536

    async def act():
        options = Options(send_timeout=0.2, max_send_buffer=65536, close_timeout=0.2)
        async with sock.serve(Pours, options=options) as server:
            async with await dial(server, receive_buffer=4096) as peer:
                await peer.send("begin")
                await server.wait_empty()
        check_reason(noting.notes[1:], PeerTooSlow)
        (told,) = named("connection.closed")
        assert told["code"] == 1013
        warnings = [text for _, level, text in lines() if level == "warning"]
        assert len(warnings) == 1
        assert "closed 1013 after PeerTooSlow" in warnings[0]

    run_async(act())


@pytest.mark.parametrize("how", ["FIN", "RST"])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in a callback"])
def test_when_tcp_is_lost_nothing_can_be_said(run_async, dial, noting, named, lines, how, busy):
    async def act():
        begun, go = asyncio.Event(), asyncio.Event()

        class Works(noting):
            async def handle_in(self, message):
                begun.set()
                await go.wait()
                return "too late"

        async with sock.serve(Works if busy else noting) as server:
            async with await dial(server) as peer:
                if busy:
                    await peer.send("work")
                    await begun.wait()
                if how == "FIN":
                    peer.finish()
                    assert await peer.receive() is End.FIN
                else:
                    peer.reset()
                go.set()
                await server.wait_empty()
        assert noting.notes[-1] == Remote(1006, "")
        check_told(named, lines, 1006, Remote(1006, ""), ("info", "closed 1006 by the peer, 1006"))

    run_async(act())


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65536])
def test_stop_refuses_a_code_that_may_not_travel_rfc_6455_7_4_2(code):
    with pytest.raises(ValueError, match=r"RFC 6455 §7\.4"):
        Stop(code)


def test_stop_cuts_a_detail_to_123_bytes_at_a_character_rfc_6455_5_5():
    assert Stop(1000, "é" * 61 + "e").detail == "é" * 61 + "e"
    assert Stop(1000, "é" * 62).detail == "é" * 61


def test_what_came_before_a_bad_frame_of_the_same_read_is_answered_first(talk, noting):
    *heard, said, end = talk(noting, HI + frame(TEXT, b"you") + frame(3))
    assert heard == ["hi", "you"]
    assert (said.code, end) == (1002, End.FIN)
    assert noting.notes[:3] == ["init", "hi", "you"]


def test_what_came_before_a_bad_frame_is_answered_first_by_a_coroutine_too(talk):
    class Slow(Sock):
        async def handle_in(self, message):
            await asyncio.sleep(0)
            return message

    *heard, said, end = talk(Slow, HI + frame(TEXT, b"you") + frame(3))
    assert heard == ["hi", "you"]
    assert (said.code, end) == (1002, End.FIN)


def test_a_peer_that_broke_the_protocol_hears_why_though_it_goes_on_sending(run_async, dial, hear):
    """RFC 6455 §7.1.7; closing with unread bytes would reset TCP, and the Close be lost."""

    async def act():
        async with sock.serve(Echo) as server, await dial(server) as peer:
            await peer.send_bytes(frame(3) + 200 * frame(BINARY, b"x" * 5000))
            said, end = await hear(peer)
            assert (said.code, end) == (1002, End.FIN)

    run_async(act())


def test_a_peer_that_never_ends_tcp_after_a_violation_is_cut_at_close_timeout(run_async, dial):
    async def act():
        async with sock.serve(Echo, options=Options(close_timeout=0.2)) as server:
            async with await dial(server) as peer:
                await peer.send_bytes(frame(3))
                assert (await peer.receive()).code == 1002
                await server.wait_empty()

    run_async(act())


def test_the_codes_hold_over_a_socket_that_splits_every_byte(talk):
    """The same row in single bytes: what is said does not depend on the segments."""
    said = frame(TEXT, b"hi") + frame(CONTINUATION, b"hi")
    *heard, close, end = talk(Echo, *(said[at : at + 1] for at in range(len(said))))
    assert heard == ["hi"]
    assert (close.code, end) == (1002, End.FIN)
