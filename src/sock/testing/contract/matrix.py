"""The matrix: every callback with every kind of result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from sock.spec import Ping, Pong, Prepared, Stop, Stream, Text

from .case import Case
from .subject import Subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sock.spec import Ref, Request
    from sock.testing.client import Happening

    from .talk import Talk

CALLBACKS: Final = ("init", "handle_in", "handle_control", "handle_info")


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """A kind of result, and what becomes of it.

    Args:
        make: returns the result, or raises.
        pushed: what the peer hears.
        code: of the Close; None when the connection goes on.
        detail: of the Close.
        reason: that terminate is told; of a connection that goes on, the peer's goodbye.
        needs: what a host must be able to do.
    """

    make: Callable[[], Any]
    pushed: tuple[Happening, ...] = ()
    code: int | None = None
    detail: str = ""
    reason: str = "Remote(1000, 'bye')"
    needs: frozenset[str] = frozenset()


def _raise() -> None:
    raise LookupError("not to be told to the peer")


def _raise_stop() -> None:
    raise Stop(4001, messages="last")


async def _later() -> str:
    await asyncio.sleep(0)
    return "later"


async def _two() -> AsyncIterator[str]:
    yield "one"
    await asyncio.sleep(0)
    yield "two"


async def _stop() -> Stop:
    await asyncio.sleep(0.01)
    return Stop(4001)


async def _fail() -> None:
    await asyncio.sleep(0.01)
    _raise()


async def _yield_stop() -> AsyncIterator[str | Stop]:
    yield "one"
    await asyncio.sleep(0.01)
    yield Stop(4001, messages="two")
    yield "three"


_LATE: Final = "late"  # what a peer still says to a Sock that has stopped
_CONTROL: Final = frozenset({"control"})
_EMPTY: Final = frozenset({"empty"})
_FAILED: Final = "Failed(HandlerError)"

RESULTS: Final = {
    "nothing": Outcome(lambda: None),
    "text": Outcome(lambda: "text é", ("text é",)),
    "binary": Outcome(lambda: b"\0binary", (b"\0binary",)),
    "ping": Outcome(lambda: Ping(b"ping"), (Ping(b"ping"),), needs=_CONTROL),
    "pong": Outcome(lambda: Pong(b"pong"), (Pong(b"pong"),), needs=_CONTROL),
    "list": Outcome(lambda: ["one", b"two", "three"], ("one", b"two", "three")),
    "stop": Outcome(Stop, code=1000, reason="Normal()"),
    "stop_code": Outcome(lambda: Stop(4001), code=4001, reason="Normal()"),
    "stop_detail": Outcome(
        lambda: Stop(4001, "see you é"),
        code=4001,
        detail="see you é",
        reason="Normal()",
        needs=frozenset({"detail"}),
    ),
    "stop_messages": Outcome(
        lambda: Stop(4001, messages=["last", b"words"]),
        ("last", b"words"),
        code=4001,
        reason="Normal()",
    ),
    "raise": Outcome(_raise, code=1011, reason="Failed(LookupError)"),
    "raise_stop": Outcome(_raise_stop, ("last",), code=4001, reason="Normal()"),
    "await": Outcome(_later, ("later",)),
    "generator": Outcome(_two, ("one", "two")),
    "stream": Outcome(lambda: Stream(_two()), ("one", "two")),
}
"""The columns of the matrix."""

VALUES: Final = {
    "empty_text": Outcome(lambda: "", ("",), needs=_EMPTY),
    "empty_binary": Outcome(lambda: b"", (b"",), needs=_EMPTY),
    "encoded_text": Outcome(lambda: Text("é".encode()), ("é",)),
    "prepared": Outcome(lambda: Prepared("prepared"), ("prepared",)),
    "bytearray": Outcome(lambda: bytearray(b"array"), (b"array",)),
    "memoryview": Outcome(lambda: memoryview(b"a view")[2:], (b"view",)),
    "tuple": Outcome(lambda: ("one", b"two"), ("one", b"two")),
    "empty_list": Outcome(list),
    "large": Outcome(lambda: "x" * 70_000, ("x" * 70_000,)),
    "list_with_control": Outcome(
        lambda: ["one", Ping(b"two"), "three"], ("one", Ping(b"two"), "three"), needs=_CONTROL
    ),
    "stop_message": Outcome(lambda: Stop(messages="one"), ("one",), code=1000, reason="Normal()"),
    "stop_error": Outcome(
        lambda: Stop(error=LookupError("ours")), code=1011, reason="Failed(LookupError)"
    ),
    "stop_long_detail": Outcome(
        lambda: Stop(4001, "é" * 62),
        code=4001,
        detail="é" * 61,
        reason="Normal()",
        needs=frozenset({"detail"}),
    ),
    "stop_code_error": Outcome(
        lambda: Stop(4002, error=LookupError("ours")), code=4002, reason="Failed(LookupError)"
    ),
    "await_stop": Outcome(_stop, code=4001, reason="Normal()"),
    "await_raise": Outcome(_fail, code=1011, reason="Failed(LookupError)"),
    "generator_stop": Outcome(_yield_stop, ("one", "two"), code=4001, reason="Normal()"),
    "dict": Outcome(dict, code=1011, reason=_FAILED),
    "number": Outcome(lambda: 1, code=1011, reason=_FAILED),
    "list_of_numbers": Outcome(lambda: [1], code=1011, reason=_FAILED),
    "surrogate": Outcome(lambda: "\ud800", code=1011, reason="Failed(UnicodeEncodeError)"),
}
"""What else may be returned, and what may not; of `handle_in` alone."""


_PROVEN: Final = {
    "nothing": "S2.1",
    "text": "S2.2",
    "binary": "S2.3",
    "ping": "S2.5",
    "pong": "S2.5",
    "list": "S2.7",
    "stop": "S2.8",
    "stop_code": "S2.8",
    "stop_detail": "S2.8 S16.4",
    "stop_messages": "S2.8",
    "raise": "S6.1",
    "raise_stop": "S6.9",
    "await": "S2.9",
    "generator": "S2.9 S2.12",
    "stream": "S2.9 S4.2",
    "empty_text": "S2.1",
    "empty_binary": "S2.1",
    "encoded_text": "S2.4",
    "prepared": "S2.6",
    "bytearray": "S2.3",
    "memoryview": "S2.3",
    "tuple": "S2.7",
    "empty_list": "S2.7",
    "large": "S2.2",
    "list_with_control": "S2.5 S2.7",
    "stop_message": "S2.8",
    "stop_error": "S7.12 S13.1",
    "stop_long_detail": "S13.1",
    "stop_code_error": "S7.12",
    "await_stop": "S2.8 S2.9",
    "await_raise": "S6.1",
    "generator_stop": "S2.8 S3.7",
    "dict": "S2.10 S6.3",
    "number": "S2.10 S6.3",
    "list_of_numbers": "S2.7 S6.3",
    "surrogate": "S2.2",
}
"""The statements about each kind of result."""

_OF_CALLBACK: Final = {
    "init": "S1.7",
    "handle_in": "S3.5",
    "handle_control": "S5.1 S5.3",
    "handle_info": "S10.2",
}
"""The statements about each callback."""


@final
class _Cell(Subject):
    """Returns the result from the callback, once, and else echoes."""

    def __init__(self, callback: str, make: Callable[[], Any], request: Request) -> None:
        super().__init__(request)
        self.callback = callback
        self.make = make

    def init(self, ref: Ref[Any], /) -> Any:
        super().init(ref)
        if self.callback == "handle_info":
            ref.send("go")
        return self.make() if self.callback == "init" else None

    def handle_in(self, message: str | bytes, /) -> Any:
        self.note(f"handle_in {message!r}")
        return self.make() if message == "go" else message

    def handle_control(self, frame: Ping | Pong, /) -> Any:
        self.note(f"handle_control {frame!r}")
        return self.make()

    def handle_info(self, info: Any, /) -> Any:
        self.note(f"handle_info {info!r}")
        return self.make()


async def _talk(callback: str, outcome: Outcome, talk: Talk) -> None:
    journal = ["made", "init"]
    # After a Stop or an exception nothing more is handled, though it came in one piece.
    late = () if outcome.code is None else (_LATE,)
    if callback in {"init", "handle_info"}:
        client = await talk.open(early=late)
    else:
        client = await talk.open()
        await client.send("go" if callback == "handle_in" else Ping(b"go"), *late)
    match callback:
        case "handle_in" | "handle_info":
            journal.append(f"{callback} 'go'")
        case "handle_control":
            journal.append("handle_control Ping(payload=b'go')")
            await talk.hears(client, Pong(b"go"))
        case _:
            pass
    await talk.hears(client, *outcome.pushed)
    if outcome.code is None:
        await client.send("after")
        await talk.hears(client, "after")
        journal.append("handle_in 'after'")
        await talk.says_goodbye(client)
    else:
        await talk.is_closed(client, outcome.code, outcome.detail)
    await talk.journal(*journal, f"terminate {outcome.reason}")


def _statements(callback: str, name: str, outcome: Outcome) -> tuple[str, ...]:
    """Return what a cell proves: about its kind of result, its callback, and the end of it."""
    numbers = [*_PROVEN[name].split(), *_OF_CALLBACK[callback].split(), "S8.1", "S8.4"]
    if outcome.code is not None:
        numbers += ["S9.1", "S9.3", "S16.1"]
        numbers += ["S6.2", "S6.4"] if outcome.reason.startswith("Failed") else ["S7.12"]
    return tuple(dict.fromkeys(numbers))


def _case(callback: str, name: str, outcome: Outcome) -> Case:
    needs = outcome.needs | _CONTROL if callback == "handle_control" else outcome.needs
    return Case(
        f"{callback}/{name}",
        _statements(callback, name, outcome),
        partial(_Cell, callback, outcome.make),
        partial(_talk, callback, outcome),
        needs,
    )


MATRIX: Final = tuple(
    _case(callback, name, outcome) for callback in CALLBACKS for name, outcome in RESULTS.items()
) + tuple(_case("handle_in", name, outcome) for name, outcome in VALUES.items())
"""The cases."""
