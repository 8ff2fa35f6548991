"""Section 16: what the Close says and what `terminate` gets, for what a peer may do."""

# ruff: noqa: D103 - the name of a case is its sentence
from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Compression, Failed, Options, ProtocolError
from sock.testing.client import End
from sock.testing.peer import frame

from .case import Case, case, registered
from .subject import Subject

if TYPE_CHECKING:
    from sock.spec import Reason

    from .talk import Talk


class _Echo(Subject):
    def handle_in(self, message: str | bytes, /) -> Any:
        return message


def _long(first: int, size: bytes) -> bytes:
    """Return the head of a masked frame that says its length in this way, and its key."""
    return bytes([first, 0x80 | (126 if len(size) == 2 else 127)]) + size + bytes(4)


_CLOSE: Final = 0x8

_VIOLATIONS: Final[dict[str, tuple[int, str, bytes]]] = {
    "an_unmasked_frame": (1002, "ProtocolError", frame(0x1, b"x", masked=False)),
    "an_unknown_opcode": (1002, "ProtocolError", frame(0x3, b"x")),
    "an_unknown_control_opcode": (1002, "ProtocolError", frame(0xB, b"x")),
    "a_reserved_bit": (1002, "ProtocolError", frame(0x1, b"x", rsv=2)),
    "compression_that_was_not_agreed_on": (1002, "ProtocolError", frame(0x1, b"x", rsv=4)),
    "a_length_in_two_bytes_that_fits_one": (1002, "ProtocolError", _long(0x81, b"\0\1") + b"x"),
    "a_length_in_eight_bytes_that_fits_one": (
        1002,
        "ProtocolError",
        _long(0x81, bytes(7) + b"\1") + b"x",
    ),
    "a_length_with_the_highest_bit": (1002, "ProtocolError", _long(0x82, b"\x80" + bytes(7))),
    "a_ping_in_fragments": (1002, "ProtocolError", frame(0x9, b"x", fin=False)),
    "a_ping_of_126_bytes": (1002, "ProtocolError", frame(0x9, bytes(126))),
    "a_continuation_of_nothing": (1002, "ProtocolError", frame(0x0, b"x")),
    "a_message_inside_a_message": (
        1002,
        "ProtocolError",
        frame(0x1, b"x", fin=False) + frame(0x1, b"y"),
    ),
    "a_close_with_half_a_code": (1002, "ProtocolError", frame(_CLOSE, b"\x03")),
    "a_close_whose_detail_is_not_utf_8": (1007, "InvalidData", frame(_CLOSE, b"\x03\xe8\xff")),
    "text_that_is_not_utf_8": (1007, "InvalidData", frame(0x1, b"good \xc0\xaf")),
    "text_that_ends_inside_a_character": (1007, "InvalidData", frame(0x1, b"\xe2\x82")),
    "text_in_fragments_that_is_not_utf_8": (
        1007,
        "InvalidData",
        frame(0x1, b"\xe2\x82", fin=False) + frame(0x0, b"x"),
    ),
}


async def _is_violation(code: int, error: str, data: bytes, talk: Talk, /) -> None:
    client = await talk.open()
    await client.send_bytes(data)
    talk.is_code(await client.receive(), code)
    client.hang_up()
    await talk.hears(client, End.FIN)
    await talk.journal("made", "init", f"terminate Failed({error})")


registered.extend(
    Case(
        f"codes/{name}",
        ("S15.1" if wanted[0] == 1002 else "S15.3", "S15.8", "S16.1"),
        _Echo,
        partial(_is_violation, *wanted),
        frozenset({"violations"}),
    )
    for name, wanted in _VIOLATIONS.items()
)


@case(
    _Echo,
    ["S15.7", "S16.1"],
    needs=["violations", "options"],
    options=Options(compression=Compression()),
)
async def broken_compression_is_1007(talk: Talk) -> None:
    client = await talk.open(compression=Compression())
    await client.send_bytes(frame(0x1, b"\xff\xff\xff", rsv=4))
    talk.is_code(await client.receive(), 1007)
    client.hang_up()
    await talk.hears(client, End.FIN)
    await talk.journal("made", "init", "terminate Failed(InvalidData)")


class _NotesTheCode(_Echo):
    """Notes the code and the kind of what the peer did wrong."""

    def terminate(self, reason: Reason, /) -> None:
        if isinstance(reason, Failed):
            code = int(getattr(reason.error, "code", 0))
            self.note(f"code {code}, {isinstance(reason.error, ProtocolError)}")
        super().terminate(reason)


@case(_NotesTheCode, ["S16.2"], needs=["violations"])
async def the_code_that_is_said_is_that_of_the_error(talk: Talk) -> None:
    for name in ("an_unknown_opcode", "text_that_is_not_utf_8"):
        code, _, data = _VIOLATIONS[name]
        client = await talk.open()
        await client.send_bytes(data)
        talk.is_code(await client.receive(), code)
        client.hang_up()
        await talk.until(f"code {code}, True")


# The peer's Close.

_TRAVEL: Final = (
    *(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014),
    *(3000, 3999, 4000, 4999),
)
_STAY: Final = (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)


@case(_Echo, ["S7.5", "S16.1"], needs=["detail"])
async def the_peers_code_is_answered_and_told(talk: Talk) -> None:
    for code in _TRAVEL:
        client = await talk.open()
        await client.send_close(code, "why")
        talk.is_answer(await client.receive(), code)
        client.hang_up()
        await talk.until(f"terminate Remote({code}, 'why')")


@case(_Echo, ["S16.1"], needs=["detail", "violations"])
async def a_code_that_may_not_travel_is_answered_with_1002_and_told(talk: Talk) -> None:
    for code in _STAY:
        client = await talk.open()
        await client.send_close(code, "why")
        talk.is_code(await client.receive(), 1002)
        client.hang_up()
        await talk.until(f"terminate Remote({code}, 'why')")
