"""Runs cases against a server: side by side, bounded in time, and each failure twice."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Final, final
from zlib import crc32

from . import raw
from .case import NEEDS, Level
from .fell import Fell, Skipped
from .probe import MAX_SENT, Probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from .case import WireCase
    from .target import Target

SIDE_BY_SIDE: Final = 12
"""Cases at one time, but for those that are alone."""

_CASE_TIMEOUT: Final = 60.0
"""Seconds that one case may take."""


class Verdict(Enum):
    """What became of a case."""

    HELD = "held"
    FELL = "fell"  # a MUST
    REMARK = "remark"  # a SHOULD
    SKIPPED = "skipped"
    NOT_RUN = "not run"  # the time was over


_MAX_WAIT: Final = 8.0
_TRIED_AGAIN: Final = {Verdict.FELL: _MAX_WAIT, Verdict.REMARK: 2.0}
"""A case is tried again if it ended so within so many seconds. A longer one has waited in vain."""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case with one server.

    Args:
        case: the case.
        verdict: what became of it.
        expected: what the RFC asks for; empty where it held.
        seen: what the server did, or why the case was left out.
        seconds: how long it took.
        sent: the bytes that it has sent.
    """

    case: WireCase
    verdict: Verdict
    expected: str = ""
    seen: str = ""
    seconds: float = 0.0
    sent: int = 0


@final
@dataclass
class Run:
    """What became of all cases with one server.

    Args:
        target: the server.
        seed: of what is random.
        has: of `NEEDS`, what the server has.
        outcomes: in the order of the numbers.
        seconds: how long it took.
    """

    target: Target
    seed: int
    has: frozenset[str] = frozenset()
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    seconds: float = 0.0

    def count(self, verdict: Verdict) -> int:
        """Return how many cases ended so."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    @property
    def sent(self) -> int:
        """The bytes that were sent."""
        return sum(outcome.sent for outcome in self.outcomes)


async def run_cases(
    target: Target,
    cases: Iterable[WireCase],
    *,
    seed: int = 1,
    patience: float = 3.0,
    within: float = 180.0,
    finished: Callable[[Outcome], None] = lambda _: None,
) -> Run:
    """Try a server with cases.

    Args:
        target: the server.
        cases: of `CASES`.
        seed: of what is random.
        patience: seconds to wait for whatever must come.
        within: seconds for all of them; cases that are left then are not run.
        finished: is told of each outcome.

    Raises:
        Fell: the server answers no handshake at all.
    """
    began = time.monotonic()
    deadline = began + within
    wanted = list(cases)
    run = Run(target, seed)
    run.has = await found_features(target, patience)
    outcomes: dict[str, Outcome] = {}

    def take(outcome: Outcome) -> None:
        outcomes[outcome.case.number] = outcome
        run.outcomes = [outcomes[one.number] for one in wanted if one.number in outcomes]
        run.seconds = time.monotonic() - began
        finished(outcome)

    async def one(case: WireCase) -> Outcome:
        if missing := sorted(case.needs - run.has):
            return Outcome(case, Verdict.SKIPPED, seen="; ".join(NEEDS[need] for need in missing))
        left = deadline - time.monotonic()
        if left <= 0:
            return Outcome(case, Verdict.NOT_RUN, seen=f"{within:g} s were over")
        return await try_case(target, case, seed=seed, patience=patience, within=left)

    again = await _side_by_side([case for case in wanted if not case.alone], one, take)
    # What falls beside others is tried again by itself: a server that only was busy is not blamed.
    for case in again:
        take(await one(case))
    for case in wanted:
        if case.alone:
            outcome = await one(case)
            fell = outcome.verdict is Verdict.FELL
            take(await one(case) if fell and outcome.seconds < _MAX_WAIT else outcome)
    return run


async def try_case(
    target: Target,
    case: WireCase,
    *,
    seed: int = 1,
    patience: float = 3.0,
    within: float = _CASE_TIMEOUT,
) -> Outcome:
    """Try a server with one case.

    Args:
        target: the server.
        case: of `CASES`.
        seed: of what is random.
        patience: seconds to wait for whatever must come.
        within: seconds for the whole case.
    """
    began = time.monotonic()
    probe = Probe(target, patience, Random(crc32(case.number.encode()) ^ seed))  # noqa: S311
    verdict, expected, seen = Verdict.HELD, "", ""
    broken = Verdict.FELL if case.level is Level.MUST else Verdict.REMARK
    try:
        async with probe, asyncio.timeout(min(within, _CASE_TIMEOUT)):
            await case.conversation(probe)
    except Fell as fell:
        verdict, expected, seen = broken, fell.expected, fell.seen
    except Skipped as skipped:
        verdict, seen = Verdict.SKIPPED, str(skipped)
    except TimeoutError:
        verdict, expected, seen = broken, "the case to come to an end", "it was cut"
    else:
        if probe.remarks:
            verdict = Verdict.REMARK
            expected, seen = probe.remarks[0].expected, probe.remarks[0].seen
    assert probe.sent <= MAX_SENT, f"{case.number} sends too much"
    return Outcome(case, verdict, expected, seen, time.monotonic() - began, probe.sent)


async def found_features(target: Target, patience: float) -> frozenset[str]:
    """Return what a server has of `NEEDS`.

    Raises:
        Fell: it answers no handshake.
    """
    has: set[str] = set()
    async with Probe(target, patience) as probe:
        connection = await probe.open()
        for need, opcode, data in (("echo", raw.TEXT, b"echo"), ("binary", raw.BINARY, b"\0\xff")):
            await connection.send(raw.frame(opcode, data))
            expected = data.decode() if opcode == raw.TEXT else data
            if await connection.receive() == expected:
                has.add(need)
        offered = await probe.open(offer="permessage-deflate")
        if offered.inflating is not None:
            has.add("compression")
    return frozenset(has)


async def _side_by_side(
    cases: Sequence[WireCase],
    one: Callable[[WireCase], Awaitable[Outcome]],
    take: Callable[[Outcome], None],
) -> list[WireCase]:
    """Run cases side by side; return those that did not hold, in order."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)
    again: set[str] = set()

    async def placed(case: WireCase) -> None:
        async with places:
            outcome = await one(case)
        if outcome.seconds < _TRIED_AGAIN.get(outcome.verdict, 0):
            again.add(case.number)
        else:
            take(outcome)

    async with asyncio.TaskGroup() as group:
        for case in cases:
            group.create_task(placed(case))
    return [case for case in cases if case.number in again]
