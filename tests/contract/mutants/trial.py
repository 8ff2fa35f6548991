"""Starts a copy of our pure server, whole or broken by a mutant, and tries cases against it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sock.testing import contract

from .mutant import HERE, SOURCE, Mutant

BOUND = 120.0  # seconds for one trial, on a machine that has much else to do
START = 60.0  # seconds for a server to listen
END = 6.0  # seconds for a server to end
PATIENCE = 2.0  # seconds for whatever a case waits for; a broken server may say nothing
WHOLE_PATIENCE = 10.0  # … for the server that is not broken, on a machine that stalls


@dataclass
class Trial:
    """What became of a copy.

    Args:
        mutant: what it is broken by; None for nothing.
        tried: the names of the cases that were tried.
        failed: the names of those that failed, with their failures. It ends with the first one
            where there is a mutant.
        fault: why it could not be tried; "" where it could.
        log: what the server has written.
    """

    mutant: Mutant | None
    tried: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    log: str = ""

    def take(self, verdict: contract.Verdict) -> None:
        """Note what became of a case."""
        name = verdict.case.name
        self.tried.append(name)
        if verdict.outcome in {contract.Outcome.FAILED, contract.Outcome.ADVISED}:
            self.failed[name] = verdict.text

    @property
    def problem(self) -> str:
        """What is wrong with it; "" for a whole copy that passes and a mutant that is seen."""
        if self.fault:
            return f"{self.fault}\n{self.log[-2000:]}"
        if self.mutant is None:
            return "; ".join(f"{name}: {text}" for name, text in self.failed.items())
        if not self.tried:
            return "no case proves this statement"
        return "" if self.failed else f"survives {', '.join(self.tried)}"


async def tried(mutant: Mutant | None, cases: list[contract.Case], folder: Path) -> Trial:
    """Try cases against a copy of our server in an empty folder."""
    trial = Trial(mutant)
    patience = WHOLE_PATIENCE if mutant is None else PATIENCE
    log = folder / "log"
    try:
        copy(mutant, folder / "sock")
        async with asyncio.timeout(BOUND), started(folder, log) as (port, drain):
            url = f"ws://127.0.0.1:{port}"
            verdicts = contract.check_all(
                url, cases, drain=drain, patience=patience, try_again=mutant is None
            )
            async with aclosing(verdicts):
                async for verdict in verdicts:
                    trial.take(verdict)
                    if mutant is not None and trial.failed:
                        break
    except Exception as error:  # one mutant must not end the others
        trial.fault = f"{type(error).__name__}: {error}"
    if log.exists():
        trial.log = log.read_text(errors="replace")
    if mutant is not None and "NameError: " in trial.log:
        trial.fault = "uses a name that is not there, which is no way to break one statement"
    return trial


def copy(mutant: Mutant | None, target: Path) -> None:
    """Put our sources there, with hard links for all but the broken file."""
    try:
        shutil.copytree(SOURCE, target, ignore=_compiled, copy_function=os.link)
    except OSError:  # no hard links between these two file systems
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(SOURCE, target, ignore=_compiled)
    if mutant is not None:
        text = mutant.applied()
        (target / mutant.file).unlink()
        (target / mutant.file).write_text(text)


def _compiled(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith((".so", ".pyd"))]


@asynccontextmanager
async def started(folder: Path, log: Path):
    """Start the copy in a folder; yield its port and its drain; end it."""
    environment = os.environ | {"PYTHONPATH": str(folder), "SOCK_EXTENSION": "0"}
    command = [sys.executable, str(HERE / "host.py")]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: ASYNC220 - it does not wait
            command, env=environment, stdout=subprocess.PIPE, stderr=out, text=True
        )

    async def drain() -> None:
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, END)

    try:
        async with asyncio.timeout(START):
            line = await asyncio.to_thread(process.stdout.readline)
        if not line.strip().isdigit():
            raise RuntimeError("did not start")
        yield int(line), drain
    finally:
        process.kill()
        process.wait(END)
        process.stdout.close()
