"""Runs a server with workers until a signal ends it.

signal           what is done
---------------  ----------------------------------------------------------------------------
SIGTERM, SIGINT  all workers drain; a second one ends everything at once
SIGHUP           every worker is replaced, one slot after the other
SIGTTIN          a worker more
SIGTTOU          a worker less
SIGQUIT          every process writes the stacks of its threads to stderr
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import functools
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.observe import log
from sock.server import systemd
from sock.server.binding import CannotListen, bind_all

from . import orders
from .addresses import Addresses
from .control import Control, listen
from .shared_folder import shared_folder
from .supervisor import Limits, Supervisor
from .watching import changes

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from sock.observe.metrics import Totals
    from sock.server.address import Address
    from sock.server.binding import Bound

    from .process import WorkerProcess
    from .watching import Watched

_DIED: Final = 1
_USAGE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a supervisor is told.

    Args:
        workers: how many there are.
        limits: when a worker is replaced.
        watched: the files whose change replaces all workers; None for none.
        control: the path of the control socket; None for the usual place.
        totals: adds up the figures of the workers; None where there are no metrics.
        log_level: the lowest level that is shown.
        log_format: "text" or "json".
    """

    workers: int
    limits: Limits
    watched: Watched | None = None
    control: Path | None = None
    totals: Totals | None = None
    log_level: str = "info"
    log_format: str = "text"


def supervise(
    settings: Settings,
    where: Sequence[Address],
) -> int:
    """Serve with workers until a signal comes.

    Args:
        settings: what the supervisor is told.
        where: it listens.

    Returns:
        The exit code: 0 after a clean stop, 1 or 2 if no worker ever got ready.

    Raises:
        CannotListen: the control socket cannot be made, or an address cannot be bound.
    """
    with log.on_stderr(settings.log_level, settings.log_format, access=False), log.subscribed():
        return asyncio.run(_Running(settings).run(where))


@final
class _Running:
    """One run of a supervisor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = asyncio.Event()
        self._supervisor: Supervisor | None = None

    async def run(self, where: Sequence[Address]) -> int:
        with contextlib.ExitStack() as closing:
            bound = await bind_all(where)
            closing.callback(_close_all, bound)
            own = [one for one in bound if one.own_tcp]
            shared = [one for one in bound if not one.own_tcp]
            urls = [one.url() for one in bound]
            addresses = Addresses(_sockets(own), _sockets(shared))
            closing.callback(addresses.close)
            supervisor = self._supervisor = Supervisor(
                command(),
                addresses,
                workers=self._settings.workers,
                limits=self._settings.limits,
                folder=working_folder(),
                shared_folder=str(closing.enter_context(shared_folder())),
                waits_for_drains=self._settings.watched is None,
                ended=self._count_last_words,
            )
            control = Control(supervisor, urls, self._stop.set)
            closing.callback(control.close)
            sock = self._control_socket()
            if sock is not None:
                await control.start(sock)
            self._handle_signals()
            async with systemd.watched():
                return await self._serve(supervisor, urls)

    async def _serve(self, supervisor: Supervisor, urls: Sequence[str]) -> int:
        loop = asyncio.get_running_loop()
        watching = loop.create_task(self._watch(supervisor))
        counting = loop.create_task(self._count(supervisor))
        starting = loop.create_task(supervisor.start())
        stopping = loop.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        code = 0
        if starting.done():
            ended = starting.result()
            if ended is None:
                log.announce(urls)
                systemd.tell_ready()
                telemetry.emit("server.started", urls=tuple(urls))
                await stopping
            else:  # the worker has said why
                code = _USAGE if ended == _USAGE else _DIED
        else:
            starting.cancel()
        systemd.tell_stopping()
        watching.cancel()
        stopping.cancel()
        await supervisor.stop()
        counting.cancel()
        return code

    async def _count(self, supervisor: Supervisor) -> None:
        """Add up the figures of all workers, as often as they send them."""
        while self._settings.totals is not None:
            for worker in supervisor.workers():
                _add(self._settings.totals, worker)
            await asyncio.sleep(orders.HEARTBEAT)

    def _count_last_words(self, worker: WorkerProcess) -> None:
        """Add the last figures of a worker that has ended; its counters stay in the sums."""
        if self._settings.totals is not None:
            _add(self._settings.totals, worker)
            self._settings.totals.retire(str(worker.pid))

    async def _watch(self, supervisor: Supervisor) -> None:
        if self._settings.watched is not None:
            async for paths in changes(self._settings.watched):
                telemetry.emit("reload.changed", paths=paths)
                supervisor.changed()

    def _control_socket(self) -> socket.socket | None:
        try:
            return listen(self._settings.control)
        except OSError as error:
            path = self._settings.control
            if path is not None:
                no_folder = isinstance(error, FileNotFoundError)
                why = "its folder does not exist" if no_folder else error.strerror or str(error)
                raise CannotListen(error.errno, f"control socket {path}: {why}") from error
            telemetry.emit("control.missing", error=error)
            return None

    # Signals.

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        actions: dict[int, Callable[[], Any]] = {
            signal.SIGTERM: self._end,
            signal.SIGINT: self._end,
            signal.SIGHUP: self._reload,
            signal.SIGTTIN: functools.partial(self._resize, 1),
            signal.SIGTTOU: functools.partial(self._resize, -1),
            signal.SIGQUIT: self._write_stacks,
        }
        for number, action in actions.items():
            loop.add_signal_handler(number, action)

    def _end(self) -> None:
        if not self._stop.is_set():
            self._stop.set()
            return
        if self._supervisor is not None:
            self._supervisor.kill()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)

    def _reload(self) -> None:
        if self._supervisor is not None:
            self._supervisor.reload()

    def _resize(self, more: int) -> None:
        if self._supervisor is not None:
            self._supervisor.resize_by(more)

    def _write_stacks(self) -> None:
        faulthandler.dump_traceback(all_threads=True)
        if self._supervisor is not None:
            self._supervisor.write_stacks()


def _sockets(bound: Sequence[Bound]) -> list[socket.socket]:
    return [sock for one in bound for sock in one.sockets]


def _close_all(bound: Sequence[Bound]) -> None:
    for one in bound:
        one.close()


def command() -> list[str]:
    """Return the command that has started this process, with the same interpreter and options."""
    return [sys.executable, *sys.orig_argv[1:]]


def working_folder() -> str | None:
    """Return the folder of this process by the name that the shell knows it by.

    If that name leads through a symbolic link, the next workers start where it leads then.
    """
    named = os.environ.get("PWD")
    with contextlib.suppress(OSError):
        if named and Path(named).samefile("."):
            return named
    return None


def _add(totals: Totals, worker: WorkerProcess) -> None:
    totals.update(str(worker.pid), worker.told.get("figures", {}))
