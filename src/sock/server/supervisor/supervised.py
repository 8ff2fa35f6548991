"""The worker's side of the control pipe: this process, if a supervisor has started it.

Two threads have the pipe, so that a worker hears its supervisor from its first line on, and while
its event loop is blocked. The heartbeats come from the event loop, so that they tell whether it is.

    it hears            what is done
    ------------------  ------------------------------------------------------------------
    drain               SIGTERM to itself: the drain is that of a process without supervisor
    the pipe's end      the same, and the process ends when the time for the drain is up
    a question          answered in the event loop

Ctrl-C in a terminal reaches all processes of the supervisor. Only the supervisor acts on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import itertools
import json
import os
import queue
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self, final

from sock import telemetry
from sock.hosting import worker
from sock.wire.traffic import RECEIVED, SENT

from . import orders
from .lines import BadLine, Lines, to_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import FrameType

    from sock.observe.metrics import Figures

_MAX_UNSENT: Final = 16
"""Lines that wait for a supervisor that does not read; then heartbeats are left out."""

_FLUSH_TIMEOUT: Final = 1.0
"""Seconds for the last lines to leave."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@final
class Supervised:
    """This process as a worker. Made by `from_environment`.

    Args:
        slot: the number of its slot, from 0.
        workers: how many slots there are now.
        sockets: the listening sockets that the supervisor has bound.
        control: the pipe to the supervisor.

    Attributes:
        figures: counts what happens in this process, for the metrics; None where there are none.
    """

    def __init__(
        self, *, slot: int, workers: int, sockets: list[socket.socket], control: socket.socket
    ) -> None:
        self.slot = slot
        self.workers = workers
        self.sockets = sockets
        self.figures: Figures | None = None
        self._control = control
        self._unsent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: Callable[[], Collection[Any]] = list[Any]
        self._share: Callable[[int], None] = _ignore_share
        self._drain_timeout: float | None = 0.0
        self._all_sent = threading.Event()
        self._beat_due = 0.0

    @classmethod
    def from_environment(cls) -> Self | None:
        """Return this process as a worker; None if no supervisor has started it.

        Processes that this one starts are no workers.
        """
        part = os.environ.pop(orders.ENVIRONMENT, None)
        if part is None:
            return None
        told: dict[str, Any] = json.loads(part)
        for descriptor in [*told["sockets"], told["control"]]:
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - it takes no name
        worker.set_of_process(worker.Worker(told["workers"], told["folder"]))
        return cls(
            slot=told["slot"],
            workers=told["workers"],
            sockets=[socket.socket(fileno=one) for one in told["sockets"]],
            control=socket.socket(fileno=told["control"]),
        )

    def begin(self) -> None:
        """Hear the supervisor from now on, and leave the signals of the terminal to it."""
        for number in (signal.SIGINT, signal.SIGHUP):
            # A function and not SIG_IGN, which the processes that the application starts would get.
            signal.signal(number, _ignore)
        faulthandler.register(signal.SIGQUIT, all_threads=True)
        for work in (self._read, self._write):
            threading.Thread(target=work, name="sock-supervised", daemon=True).start()

    def serving(
        self,
        connections: Callable[[], Collection[Any]],
        drain_timeout: float | None,
        share: Callable[[int], None] | None = None,
    ) -> None:
        """Say that this worker accepts connections, in its event loop, and send heartbeats.

        Args:
            connections: returns the live connections.
            drain_timeout: seconds that a drain may take; None for no bound.
            share: is called with the number of workers now, and whenever it changes, because this
                worker has its share of the limits of the server.
        """
        self._loop = asyncio.get_running_loop()
        self._connections, self._drain_timeout = connections, drain_timeout
        if share is not None:
            self._share = share
        self._share(self.workers)
        if self.figures is not None:
            self.figures.begin()
        self._say(orders.READY, drain_timeout=drain_timeout)
        self._beat_due = self._loop.time()
        self._beat()

    def draining(self) -> None:
        """Say that this worker accepts nothing more."""
        self._say(orders.DRAINING)

    def ended(self) -> None:
        """Send the last figures: the drain is over."""
        self._say(orders.ALIVE, connections=0, memory=memory(), lag=0.0, figures=self._snapshot())
        self._unsent.put(b"")
        self._all_sent.wait(_FLUSH_TIMEOUT)

    # In the event loop.

    def _beat(self) -> None:
        assert self._loop is not None, "serving has set it"
        now = self._loop.time()
        if self._unsent.qsize() < _MAX_UNSENT:
            self._say(
                orders.ALIVE,
                connections=len(self._connections()),
                memory=memory(),
                lag=max(0.0, now - self._beat_due),
                received=RECEIVED.messages,
                sent=SENT.messages,
                figures=self._snapshot(),
            )
        self._beat_due = now + orders.HEARTBEAT
        self._loop.call_later(orders.HEARTBEAT, self._beat)

    def _snapshot(self) -> dict[str, Any]:
        return {} if self.figures is None else self.figures.snapshot()

    def _obey(self, order: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"to": order.get("ask")}
        match order.get(orders.ORDER):
            case orders.WORKERS:
                self._share(self.workers)
                return
            case orders.CONNECTIONS:
                live = self._connections()
                shown = itertools.islice(live, order.get("limit", 1000))
                answer |= {"total": len(live), "connections": [_described(one) for one in shown]}
            case orders.STOP:
                answer["found"] = self._stop(str(order.get("connection")))
            case _:
                return
        self._say(orders.ANSWER, **answer)

    def _stop(self, name: str) -> bool:
        for connection in self._connections():
            if connection.request.id == name:
                connection.shutdown(self._drain_timeout)
                return True
        return False

    # In the threads of the pipe.

    def _say(self, what: str, **more: Any) -> None:
        self._unsent.put(to_line({orders.SAY: what, **more}))

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # the supervisor has gone: the other thread hears of it
            while line := self._unsent.get():
                self._control.sendall(line)
        self._all_sent.set()

    def _read(self) -> None:
        lines = Lines()
        with contextlib.suppress(OSError, BadLine):
            while data := self._control.recv(65536):
                for order in lines.feed(data):
                    self._hear(order)
        telemetry.emit("worker.orphaned", slot=self.slot, pid=os.getpid())
        os.kill(os.getpid(), signal.SIGTERM)
        if self._drain_timeout is not None:
            time.sleep(self._drain_timeout + orders.END_RESERVE)
            os._exit(1)

    def _hear(self, order: dict[str, Any]) -> None:
        match order.get(orders.ORDER):
            case orders.DRAIN:
                os.kill(os.getpid(), signal.SIGTERM)
            case orders.WORKERS:
                self.workers = int(order["count"])
                self._pass_on(order)
            case _:
                self._pass_on(order)

    def _pass_on(self, order: dict[str, Any]) -> None:
        """Obey in the event loop, if there is one yet."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed
                self._loop.call_soon_threadsafe(self._obey, order)


def _ignore_share(_workers: int) -> None:
    """Share nothing: a server of others has no limits of ours."""


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Leave a signal to the supervisor."""


def memory() -> int:
    """Return the bytes of memory that this process has now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - each second, in the loop
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _described(connection: Any) -> dict[str, Any]:
    request = connection.request
    return {
        "id": request.id,
        "path": request.path,
        "client": None if request.client is None else list(request.client),
        "handler": connection.lifecycle.handler_name(),
        "age": round(connection.age, 3),
    }
