"""Interleaved rounds of columns on servers.

Rounds are interleaved, because the speed of a shared machine changes: a slow moment has to slow all
servers down. So a reader compares figures of one run, by their ratio.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from . import load
from .figures import Figures
from .peer import CONTENDERS, PEERS, NotAvailable
from .server import Server, ServerFailed

if TYPE_CHECKING:
    from .column import Column
    from .plan import Plan

SECONDS: Final = (1.2, 0.8)
"""The seconds of load in each measurement, for the contenders and for the others."""

IDLE_SECONDS: Final = 0.3
"""Seconds for which connections are idle, which is long enough to measure their memory."""

SPARE_FILES: Final = 400
"""Files beside the connections that the client and a server need open."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How often and how long each is measured; None for the values of `column.py` and `SECONDS`."""

    rounds: int | None = None
    seconds: float | None = None

    def rounds_of(self, column: Column, peer: str) -> int:
        """Return how often a column of a server is measured."""
        return self.rounds or column.rounds[peer not in CONTENDERS]

    def seconds_of(self, column: Column, peer: str) -> float:
        """Return for how many seconds it is measured each time."""
        if column.weighs:
            return IDLE_SECONDS
        return self.seconds or SECONDS[peer not in CONTENDERS]


def measure(plan: Plan, effort: Effort) -> Figures:
    """Measure everything in a plan.

    A server that does not start is left out, and so is a column in which a server fails; the reason
    is kept. A failure of `sock` itself is an error.

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
                # Another server begins in each round, so that none always follows the same one.
                for peer in (peers[(turn + place) % len(peers)] for place in range(len(peers))):
                    if figures.left_out(peer, column.name):
                        continue
                    if turn < effort.rounds_of(column, peer):
                        _take(figures, column, running[peer], effort)
                        _print_progress(f"{turn + 1}/{turns}", figures, column, peer)
    return figures


def _started(figures: Figures, plan: Plan, stack: ExitStack) -> dict[str, Server]:
    wanted = {peer for _, peers in plan for peer in peers}
    running: dict[str, Server] = {}
    for peer in (peer for peer in PEERS if peer in wanted):
        # In the order of the tables, not of the measurements.
        figures.samples[peer] = {}
        try:
            PEERS[peer].title()
            running[peer] = stack.enter_context(Server(peer))
        except (NotAvailable, ServerFailed) as error:
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


def _print_progress(turn: str, figures: Figures, column: Column, peer: str) -> None:
    values = figures.values(peer, column.name)
    figure = f"{values[-1]:,.1f}" if values else figures.missing[peer, column.name]
    print(f"{turn} {column.name:10} {peer:18} {figure}", flush=True)
