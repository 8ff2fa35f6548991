"""Interleaved rounds of columns on servers.

Rounds are interleaved, because a shared machine drifts: what slows one server down for ten seconds
must slow the others down as well. The figure to read is the ratio within one run.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import load
from .figures import Figures
from .peer import CONTENDERS, PEERS, NotHere
from .server import Server, ServerFailed

if TYPE_CHECKING:
    from .column import Column
    from .plan import Plan

SECONDS: Final = (1.2, 0.8)
"""Of load in each measurement: of the contenders, of the others."""

IDLE_SECONDS: Final = 0.3
"""Nothing is counted while connections idle: this is enough to weigh them."""

SPARE_FILES: Final = 400
"""Open files besides the connections: the client's base, and what a server needs to live."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of each is measured; None for what `column.py` and `SECONDS` say."""

    rounds: int | None = None
    seconds: float | None = None

    def rounds_of(self, column: Column, peer: str) -> int:
        """How often a column of a server is measured."""
        return self.rounds or column.rounds[peer not in CONTENDERS]

    def seconds_of(self, column: Column, peer: str) -> float:
        """How long each time."""
        if column.mode == "idle":
            return IDLE_SECONDS
        return self.seconds or SECONDS[peer not in CONTENDERS]


def measure(plan: Plan, effort: Effort) -> Figures:
    """Measure all of a plan.

    A server that does not start, or one that fails in a column, is left out with the reason; a
    failure of `sock` itself is an error.

    Raises:
        ServerFailed: `sock` did not start, or ended.
        LoadFailed: `sock` answered wrongly.
    """
    figures = Figures()
    _leave_out_columns_without_room(figures, plan, load.raise_file_limit())
    turns = max(effort.rounds_of(column, peer) for column, peers in plan for peer in peers)
    with ExitStack() as stack:
        running = _started(figures, plan, stack)
        for turn in range(turns):
            for column, peers in plan:
                # Another one begins in each round, so that nobody always has the same neighbour.
                for peer in (peers[(turn + place) % len(peers)] for place in range(len(peers))):
                    if figures.left_out(peer, column.name):
                        continue
                    if turn < effort.rounds_of(column, peer):
                        _take(figures, column, running[peer], effort)
                        _tell(f"{turn + 1}/{turns}", figures, column, peer)
    return figures


def _started(figures: Figures, plan: Plan, stack: ExitStack) -> dict[str, Server]:
    wanted = {peer for _, peers in plan for peer in peers}
    running: dict[str, Server] = {}
    for peer in (peer for peer in PEERS if peer in wanted):
        # In the order of the tables, whoever is measured first.
        figures.samples[peer] = {}
        try:
            PEERS[peer].title()
            running[peer] = stack.enter_context(Server(peer))
        except (NotHere, ServerFailed) as error:
            if peer == "sock":
                raise
            figures.leave_out(peer, "", str(error))
            print(f"bench: {peer} is left out: {error}", file=sys.stderr)
    return running


def _leave_out_columns_without_room(figures: Figures, plan: Plan, limit: int) -> None:
    for column, peers in plan:
        if (needed := column.connections + SPARE_FILES) > limit:
            for peer in peers:
                reason = f"needs {needed:,} open files, the limit here is {limit:,}"
                figures.leave_out(peer, column.name, reason)


def _take(figures: Figures, column: Column, server: Server, effort: Effort) -> None:
    peer = server.peer
    seconds = effort.seconds_of(column, peer)
    rate = 0.0
    if column.half_of:
        rate = (figures.median(peer, column.half_of, "per_s") or 0) / 2
    try:
        if column.fresh:
            with Server(peer) as fresh, fresh.awake():
                sample = load.measure(fresh, column, seconds)
        else:
            with server.awake():
                sample = load.measure(server, column, seconds, rate)
    except (load.LoadFailed, ServerFailed) as error:
        if peer == "sock":
            raise
        figures.leave_out(peer, column.name, str(error))
        return
    figures.add(peer, column.name, sample)


def _tell(turn: str, figures: Figures, column: Column, peer: str) -> None:
    values = figures.values(peer, column.name)
    told = f"{values[-1]:,.1f}" if values else figures.missing[peer, column.name]
    print(f"{turn} {column.name:10} {peer:18} {told}", flush=True)
