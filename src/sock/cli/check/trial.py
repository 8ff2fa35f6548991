"""Tries a server: at a URL, or an application that is started in a host first."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from sock.testing import contract
from sock.testing.wire import Fell, Target, Verdict, run_cases

from . import hosts
from .finding import ECHO, WIRE, Finding, of_statements, of_wire
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from sock.testing.wire import Outcome, WireCase

    from .choice import Choice
    from .watch import Watched

MAX_TIME: Final = 180.0
"""Seconds for everything."""

_STATEMENT_PATIENCE: Final = 5.0


class NothingToTry(Exception):
    """The server cannot be tried at all. The text says why."""


@final
@dataclass
class Trial:
    """One run of the command, and what has come of it so far.

    Args:
        choice: the cases that are asked for.
        seed: of the mutated bytes.
        patience: seconds to wait for whatever must come.
        told: is told of each case as soon as it has ended.
        within: seconds for everything.
    """

    choice: Choice
    seed: int = 1
    patience: float = 3.0
    told: Callable[[Finding], None] = lambda _: None
    within: float = MAX_TIME
    findings: list[Finding] = field(default_factory=list[Finding])
    watched: Watched | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.began

    @property
    def fell(self) -> bool:
        """Whether a MUST fell."""
        return any(one.verdict is Verdict.FELL for one in self.findings)

    async def try_url(self, target: Target, pid: int | None) -> None:
        """Try the server at a URL with the cases of the wire.

        Args:
            target: the server.
            pid: of its process, if that is to be watched.

        Raises:
            NothingToTry: it answers no handshake.
        """
        async with self._watching(pid):
            await self._wire(target, self.choice.wire, WIRE)

    async def try_app(
        self, app: str, host: str, folder: Path, path: str, *, factory: bool = False
    ) -> None:
        """Start an application in a host, and try it; then an echo and the suite in the same host.

        Args:
            app: MODULE:APP.
            host: of `hosts.HOSTS`.
            folder: where modules are looked for first.
            path: where the application takes WebSockets, with the query.
            factory: whether APP is called without arguments, and returns the application.

        Raises:
            NothingToTry: the application answers no handshake there.
            NotStarted: the host does not start.
        """
        left: list[WireCase] = []
        if self.choice.wire:
            with hosts.started(host, app, folder, factory=factory) as (port, process):
                async with self._watching(process.pid):
                    target = Target("127.0.0.1", port, path)
                    left = await self._wire(target, self.choice.wire, WIRE, echo=False)
        if left:
            echo = hosts.started(host, f"{hosts.ECHO} {app}", folder, factory=factory)
            with echo as (port, _):
                await self._wire(Target("127.0.0.1", port), left, ECHO)
        if self.choice.statements:
            with hosts.started(host, hosts.SUITE, folder) as (port, process):

                async def drain() -> None:
                    process.send_signal(signal.SIGTERM)
                    await asyncio.to_thread(process.wait, 30)

                await self._statements(port, host, drain)

    async def _wire(
        self,
        target: Target,
        cases: Sequence[WireCase],
        part: str,
        *,
        echo: bool = True,
    ) -> list[WireCase]:
        """Try cases of the wire; return those that need an echo which this application is not."""
        needing: list[WireCase] = []

        def take(outcome: Outcome) -> None:
            if not echo and outcome.verdict is Verdict.SKIPPED and outcome.case.needs:
                needing.append(outcome.case)
            else:
                self._take(of_wire(outcome, part))

        try:
            await run_cases(
                target,
                cases,
                seed=self.seed,
                patience=self.patience,
                within=max(0.0, self.within - self.seconds),
                finished=take,
            )
        except Fell as fell:
            raise NothingToTry(f"{target.url} answers no opening handshake: {fell.seen}.") from None
        order = {case.number: at for at, case in enumerate(cases)}
        return sorted(needing, key=lambda case: order[case.number])

    async def _statements(self, port: int, host: str, drain: contract.Drain) -> None:
        limits = hosts.HOSTS[host].limits
        verdicts = contract.check_all(
            f"ws://127.0.0.1:{port}",
            self.choice.statements,
            limits=[one for one in limits if one != "drain"],
            drain=None if "drain" in limits else drain,
            patience=_STATEMENT_PATIENCE,
            try_again=True,
        )
        done: set[str] = set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, self.within - self.seconds)):
                async for verdict in verdicts:
                    done.add(verdict.case.name)
                    self._take(of_statements(verdict))
        for case in self.choice.statements:
            if case.name not in done:
                over = contract.Verdict(
                    case, contract.Outcome.SKIPPED, f"{self.within:g} s were over"
                )
                self._take(of_statements(over))

    def _take(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.told(finding)

    @contextlib.asynccontextmanager
    async def _watching(self, pid: int | None) -> AsyncGenerator[None]:
        if pid is None:
            yield
            return
        watch = Watch(pid)
        async with watch:
            yield
        self.watched = watch.result

    def ordered(self) -> list[Finding]:
        """Return what has come of the cases, in the order of the parts and of their numbers."""
        parts = list(dict.fromkeys(one.part for one in self.findings))
        return sorted(self.findings, key=lambda one: (parts.index(one.part), _order(one)))


def _order(one: Finding) -> tuple[int, int, str]:
    section, _, place = one.number.partition(".")
    if section.isdecimal() and place.isdecimal():
        return int(section), int(place), ""
    return int(one.section.removeprefix("S") or 0), 0, one.number
