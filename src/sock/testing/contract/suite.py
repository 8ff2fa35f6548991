"""Runs the cases against a host: one, or all of them side by side."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, final

from sock.spec import HandshakeError, ProtocolError

from .limits import LIMITS
from .talk import Drain, Talk
from .verdict import Advice, Enough, Failure, Skipped

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable

    from .case import Case

_SIDE_BY_SIDE: Final = 8


class Outcome(Enum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "FAILED"
    ADVISED = "advised"
    """The host leaves out what a SHOULD recommends."""
    SKIPPED = "skipped"
    """The host has declared that it cannot do it."""


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one case.

    Args:
        case: the case.
        outcome: how it ended.
        text: why; "" where it passed.
    """

    case: Case
    outcome: Outcome
    text: str = ""


async def check(
    url: str,
    case: Case,
    *,
    limits: Collection[str] = (),
    drain: Drain | None = None,
    patience: float = 5.0,
) -> None:
    """Prove that a host does what a case asks for.

    Args:
        url: where it serves `app`, such as "ws://127.0.0.1:8000".
        case: one of `CASES`.
        limits: what the host declares that it cannot do, of `LIMITS`.
        drain: asks the host to stop gracefully; afterwards it is not used any more. None skips the
            cases that need it.
        patience: seconds to wait for whatever is waited for.

    Raises:
        Failure: the host does something else.
        Advice: the host does something else, and all statements of the case say SHOULD.
        Skipped: the case needs what the host cannot do.
        ValueError: there is no such limit.
    """
    await _check(url, case, limits, drain, patience, None)


async def check_all(
    url: str,
    cases: Iterable[Case],
    *,
    limits: Collection[str] = (),
    drain: Drain | None = None,
    patience: float = 5.0,
    side_by_side: int = _SIDE_BY_SIDE,
    try_again: bool = False,
) -> AsyncIterator[Verdict]:
    """Try cases side by side, those that need a drain last; yield a verdict as soon as it is there.

    Args:
        url: where the host serves `app`.
        cases: of `CASES`.
        limits: what the host declares that it cannot do, of `LIMITS`.
        drain: asks the host to stop gracefully; called once, when all cases that need it are ready.
        patience: seconds to wait for whatever is waited for.
        side_by_side: how many cases are tried at a time.
        try_again: whether a case that fails is tried once more, by itself, and only the second
            verdict counts: a busy machine may stall for longer than a case waits. A case that needs
            a drain is tried once.

    Raises:
        ValueError: there is no such limit.
    """
    chosen = list(cases)
    lasting = [case for case in chosen if "drain" not in case.needs]
    draining = [case for case in chosen if "drain" in case.needs]
    places = asyncio.Semaphore(side_by_side)

    async def in_turn(case: Case) -> Verdict:
        async with places:
            return await _judged(case, _check(url, case, limits, drain, patience, None))

    failed: list[Case] = []
    async for verdict in _as_they_end([in_turn(case) for case in lasting]):
        if try_again and verdict.outcome in {Outcome.FAILED, Outcome.ADVISED}:
            failed.append(verdict.case)
        else:
            yield verdict
    for case in failed:
        yield await in_turn(case)
    once = None if drain is None else _Once(drain)
    meeting = _Meeting(len(draining))

    async def with_the_others(case: Case) -> Verdict:
        seat = meeting.seat()
        try:
            return await _judged(case, _check(url, case, limits, once, patience, seat))
        finally:
            meeting.leave(seat)

    async for verdict in _as_they_end([with_the_others(case) for case in draining]):
        yield verdict


async def _check(
    url: str,
    case: Case,
    limits: Collection[str],
    drain: Drain | None,
    patience: float,
    meet: Callable[[], Awaitable[object]] | None,
) -> None:
    if unknown := set(limits) - set(LIMITS):
        raise ValueError(f"{', '.join(sorted(unknown))}: not among {', '.join(LIMITS)}")
    missing = set(limits) if drain is not None else {*limits, "drain"}
    if lacks := sorted(case.needs & missing):
        raise Skipped("; ".join(f"the host {LIMITS[limit]}" for limit in lacks))
    talk = Talk(url, case.name, drain=drain, meet=meet, patience=patience, limits=limits)
    try:
        async with talk:
            with contextlib.suppress(Enough):
                await case.conversation(talk)
    except TimeoutError as error:
        raise _fault(case, f"the host was silent for {patience} s") from error
    except (OSError, ProtocolError, HandshakeError) as error:
        raise _fault(case, f"{type(error).__name__}: {error}") from error
    except Failure as failure:
        if case.required:
            raise
        raise Advice(str(failure)) from failure


def _fault(case: Case, text: str) -> Exception:
    return Failure(text) if case.required else Advice(text)


async def _judged(case: Case, trial: Awaitable[None]) -> Verdict:
    try:
        await trial
    except Failure as failure:
        return Verdict(case, Outcome.FAILED, str(failure))
    except Advice as advice:
        return Verdict(case, Outcome.ADVISED, str(advice))
    except Skipped as reason:
        return Verdict(case, Outcome.SKIPPED, str(reason))
    return Verdict(case, Outcome.PASSED)


async def _as_they_end(trials: list[Awaitable[Verdict]]) -> AsyncIterator[Verdict]:
    tasks = [asyncio.ensure_future(trial) for trial in trials]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@final
class _Once:
    """A drain that several cases ask for, and that happens once."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._drained: asyncio.Future[object] | None = None

    async def __call__(self) -> object:
        if self._drained is None:
            self._drained = asyncio.ensure_future(_awaited(self._drain))
        return await asyncio.shield(self._drained)


async def _awaited(drain: Drain) -> object:
    return await drain()


@final
class _Meeting:
    """Where cases wait until each of them has come, or has ended without coming."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._everybody = asyncio.Event()
        self._seats: set[object] = set()

    def seat(self) -> Callable[[], Awaitable[object]]:
        """Return what one case waits with."""

        async def meet() -> None:
            self.leave(meet)
            await self._everybody.wait()

        self._seats.add(meet)
        return meet

    def leave(self, seat: object) -> None:
        """Wait for this one no longer."""
        if seat in self._seats:
            self._seats.remove(seat)
            self._expected -= 1
            if not self._expected:
                self._everybody.set()
