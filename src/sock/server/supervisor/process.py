"""One worker as the supervisor sees it: a fresh interpreter, and the control pipe to it.

in        what happens                               what is done                       then
--------  -----------------------------------------  ---------------------------------  --------
STARTING  it says that it is ready                   its slot is told                   READY
STARTING  drain                                      killed: it serves nobody           STARTING
READY     drain                                      told; killed when time is up       DRAINING
READY     it says that it drains by itself           its slot is told                   DRAINING
READY or  no heartbeat for the worker timeout        asked for its stacks, killed a     the same
DRAINING                                             second later
any       the process has ended                      its slot is told                   GONE
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from sock import telemetry

from . import orders
from .lines import BadLine, Lines, to_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STACKS_TIMEOUT: Final = 1.0
"""Seconds for a blocked worker to write its stacks, before it is killed."""

_OF_SYSTEMD: Final = frozenset(
    ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
)

_ASK_TIMEOUT: Final = 5.0
"""Seconds for a worker to answer a question."""


def _environment() -> dict[str, str]:
    """Return the environment without what systemd says to the supervisor."""
    return {name: value for name, value in os.environ.items() if name not in _OF_SYSTEMD}


class State(Enum):
    """How far a worker has come."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    GONE = "gone"


class Owner(Protocol):
    """The slot of a worker, which hears what becomes of it."""

    def worker_ready(self, worker: WorkerProcess, /) -> None:
        """Hear that a worker accepts connections."""

    def worker_draining(self, worker: WorkerProcess, /) -> None:
        """Hear that a worker drains although nobody has told it to."""

    def worker_ended(self, worker: WorkerProcess, /) -> None:
        """Hear that the process of a worker has ended."""


@final
class WorkerProcess:
    """One process, from its start to its end.

    Args:
        owner: hears what becomes of it.
        slot: the number of its slot.
        workers: how many slots there are.
        sockets: where it listens.
        command: starts it; it is the command that has started the supervisor.
        folder: in which it is started.
        shared_folder: where the workers of this server may have files.
        ended: is called when the process has ended, before the owner hears of it.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(
        self,
        owner: Owner,
        *,
        slot: int,
        workers: int,
        sockets: Sequence[socket.socket],
        command: Sequence[str],
        folder: str | None = None,
        shared_folder: str = "",
        ended: Callable[[WorkerProcess], None] | None = None,
    ) -> None:
        self._owner = owner
        self._report_end = ended
        self._loop = asyncio.get_running_loop()
        self.slot = slot
        self.state = State.STARTING
        self.exit_code: int | None = None
        """As `subprocess` has it: negative for the signal that has ended the process."""
        self.started_at = self.heard_at = self._loop.time()
        self.ready_at: float | None = None
        self.blocked = False
        """Whether it was killed because its event loop was blocked."""
        self.told: dict[str, Any] = {}
        """The last heartbeat."""
        self.drain_timeout: float | None = None
        """Seconds that its drain may take; None for no bound. It says so when it is ready."""
        self._lines = Lines()
        self._unsent = bytearray()
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = count()
        self._timers: list[asyncio.TimerHandle] = []
        self._gone = asyncio.Event()
        self._control, theirs = socket.socketpair()
        descriptors = [sock.fileno() for sock in sockets]
        part = {
            "slot": slot,
            "workers": workers,
            "sockets": descriptors,
            "control": theirs.fileno(),
            "folder": shared_folder,
        }
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - the command that has started us
                    command,
                    env={**_environment(), orders.ENVIRONMENT: json.dumps(part)},
                    pass_fds=[*descriptors, theirs.fileno()],
                    cwd=folder,
                )
        except OSError:
            self._control.close()
            raise
        self.pid = self._process.pid
        self._control.settimeout(0)
        self._loop.add_reader(self._control, self._read)
        threading.Thread(target=self._wait, name=f"sock-worker-{self.pid}", daemon=True).start()
        telemetry.emit("worker.started", slot=slot, pid=self.pid)

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return self._loop.time() - self.started_at

    @property
    def served(self) -> float:
        """Seconds since it was ready; 0 if it has never been."""
        return 0.0 if self.ready_at is None else self._loop.time() - self.ready_at

    def order(self, what: str, **more: Any) -> None:
        """Order something. An order to a worker that has gone, or reads nothing, is lost."""
        if len(self._unsent) > 65536:
            return
        self._unsent += to_line({orders.ORDER: what, **more})
        self._write()

    async def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """Order something, and return the answer; an empty one if there is none in time."""
        if self.state not in {State.READY, State.DRAINING}:
            return {}
        number = next(self._numbers)
        answer = self._asked[number] = self._loop.create_future()
        self.order(what, ask=number, **more)
        try:
            return await asyncio.wait_for(answer, _ASK_TIMEOUT)
        except TimeoutError:
            return {}
        finally:
            self._asked.pop(number, None)

    def drain(self) -> None:
        """Tell it to drain and to end, and kill it if that takes too long."""
        if self.state is State.STARTING:
            self.kill()
        elif self.state is State.READY:
            self.state = State.DRAINING
            telemetry.emit("worker.draining", slot=self.slot, pid=self.pid)
            self.order(orders.DRAIN)
            if self.drain_timeout is not None:
                self._later(self.drain_timeout + orders.END_RESERVE, self._kill_late)

    def kill(self) -> None:
        """End it at once."""
        self._send_signal(signal.SIGKILL)

    def write_stacks(self) -> None:
        """Ask it to write the stacks of its threads to stderr."""
        if self.state is not State.STARTING:  # it may not be prepared yet, and would end
            self._send_signal(signal.SIGQUIT)

    def end_if_blocked(self, timeout: float) -> None:
        """Have it write its stacks and kill it, if its event loop has been silent for too long."""
        silent = self._loop.time() - self.heard_at
        serving = self.state in {State.READY, State.DRAINING}
        if serving and not self.blocked and silent > timeout:
            self.blocked = True
            telemetry.emit("worker.blocked", slot=self.slot, pid=self.pid, seconds=silent)
            self.write_stacks()
            self._later(_STACKS_TIMEOUT, self.kill)

    async def wait_gone(self) -> None:
        """Wait until the process has ended."""
        await self._gone.wait()

    def _kill_late(self) -> None:
        telemetry.emit("worker.late", slot=self.slot, pid=self.pid)
        self.write_stacks()
        self._later(_STACKS_TIMEOUT, self.kill)

    def _send_signal(self, number: int) -> None:
        if self.state is not State.GONE:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _later(self, seconds: float, action: Any) -> None:
        self._timers.append(self._loop.call_later(seconds, action))

    # The control pipe.

    def _write(self) -> None:
        try:
            sent = self._control.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:  # the process has ended, or is about to
            self._unsent.clear()
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._control, self._write)
        else:
            self._loop.remove_writer(self._control)

    def _read(self) -> None:
        try:
            data = self._control.recv(262144)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._control)
            return
        try:
            for said in self._lines.feed(data):
                self._hear(said)
        except BadLine:  # the application writes to a descriptor that is not its own
            self.kill()

    def _hear(self, said: dict[str, Any]) -> None:
        self.heard_at = self._loop.time()
        match said.get(orders.SAY):
            case orders.READY if self.state is State.STARTING:
                self.state, self.ready_at = State.READY, self._loop.time()
                self.drain_timeout = said.get("drain_timeout")
                telemetry.emit("worker.ready", slot=self.slot, pid=self.pid, seconds=self.age)
                self._owner.worker_ready(self)
            case orders.ALIVE:
                self.told = said
            case orders.DRAINING if self.state is State.READY:
                self.state = State.DRAINING
                self._owner.worker_draining(self)
            case orders.ANSWER:
                answer = self._asked.get(said.get("to", -1))
                if answer is not None and not answer.done():
                    answer.set_result(said)
            case _:
                pass

    # The end.

    def _wait(self) -> None:
        code = self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop of the supervisor has closed
            self._loop.call_soon_threadsafe(self._ended, code)

    def _ended(self, code: int) -> None:
        if self._control.fileno() >= 0:
            self._read()  # the last words may be waiting
        was = self.state
        self.state, self.exit_code = State.GONE, code
        for timer in self._timers:
            timer.cancel()
        for answer in self._asked.values():
            answer.cancel()
        self._loop.remove_reader(self._control)
        self._loop.remove_writer(self._control)
        self._control.close()
        telemetry.emit(
            "worker.ended", slot=self.slot, pid=self.pid, code=code, state=was.value, age=self.age
        )
        self._gone.set()
        if self._report_end is not None:
            self._report_end(self)
        self._owner.worker_ended(self)
