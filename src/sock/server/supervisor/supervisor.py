"""The supervisor: it holds the listening sockets, and sees to it that each slot has a worker.

It imports nothing of the application, so the application cannot bring it down. What it does:

    start     the first worker; when that one is ready, the others
    reload    one slot after the other gets a successor; the first that cannot start ends the reload
    resize    slots are added, or the last ones removed
    replace   one slot gets a successor: its worker is too old, or has too much memory
    changed   a file was edited: workers that are being started are started again, then reload
    stop      every worker drains, and ends

`reload`, `resize` and `replace` wait for each other, so there is never more than one worker more
than there are slots, beside those that drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.server import systemd

from . import orders, orphans
from .process import WorkerProcess
from .slot import Slot, SlotState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .addresses import Addresses

_LOOK: Final = 1.0
"""Seconds between two looks at the workers."""

_SLEPT: Final = 5.0
"""A look that comes so many seconds late: the machine slept, and no worker is to blame."""

_SETTLE: Final = 1.0
"""Seconds in which a socket that gets no new connections still gets those that are under way."""

_LONGEST_DRAIN: Final = 60.0
"""Seconds that a reload waits for a worker whose drain has no bound."""

_YOUNG: Final = 10.0
"""Seconds that a worker serves at least before its memory counts, so that one whose application
needs more than the limit is not replaced all the time."""

_AGE_JITTER: Final = 0.2
"""By how much of the age limit a worker is replaced sooner, so that not all are at once."""

_SERVING: Final = frozenset({SlotState.SERVING, SlotState.REPLACING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a worker is replaced.

    Args:
        timeout: seconds for which its event loop may be blocked; 0 for ever.
        memory: bytes that it may have; None for any number.
        age: seconds that it may live; None for any number.
    """

    timeout: float = 60.0
    memory: int | None = None
    age: float | None = None


@final
class Supervisor:
    """The workers of one server.

    Args:
        command: starts a worker.
        addresses: the listening sockets.
        workers: how many slots there are.
        limits: when a worker is replaced.
        folder: in which workers are started.
        shared_folder: where the workers may have files, and nobody else.
        waits_for_drains: whether a reload waits until an old worker has ended, before it goes on
            with the next slot.
        ended: is called with each worker that has ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        addresses: Addresses,
        *,
        workers: int,
        limits: Limits,
        folder: str | None = None,
        shared_folder: str = "",
        waits_for_drains: bool = True,
        ended: Callable[[WorkerProcess], None] | None = None,
    ) -> None:
        self.slots: dict[int, Slot] = {}
        self.reloads = 0
        """How many reloads have replaced every worker."""
        self._command = command
        self._addresses = addresses
        self._workers = self._wanted = workers
        self._limits = limits
        self._folder = folder
        self._shared_folder = shared_folder
        self._waits_for_drains = waits_for_drains
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self.started_at = self._loop.time()
        self._one_at_a_time = asyncio.Lock()
        self._next_reload: asyncio.Task[str | None] | None = None
        self._removing: set[int] = set()
        self._retiring: set[int] = set()
        self._age_limits: dict[int, float] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._emptied = asyncio.Event()

    @property
    def count(self) -> int:
        """How many slots there are, without those that are being removed."""
        return len(self.slots) - len(self._removing)

    async def start(self) -> int | None:
        """Start all workers.

        Returns:
            None when the first one is ready; its exit code if it has ended before.
        """
        self._begin(self._watch())
        first = self._add_slot(0)
        if not await first.start(first=True):
            first.stop()
            return first.last_exit if first.last_exit is not None else 1
        for number in range(1, self._workers):
            self._add_slot(number).start()
        return None

    def reload(self) -> asyncio.Task[str | None]:
        """Replace all workers.

        A reload that has not begun yet is the one that is asked for.

        Returns:
            A task with the problem, or None when every slot has a new worker.
        """
        if self._next_reload is None:
            self._next_reload = self._begin(self._reload())
        return self._next_reload

    def changed(self) -> None:
        """Replace all workers, and start those again that have not come far enough to be ready."""
        for slot in self.slots.values():
            if slot.state in {SlotState.STARTING, SlotState.WAITING, SlotState.REPLACING}:
                slot.replace()
        self.reload()

    def resize(self, count: int) -> asyncio.Task[None]:
        """Have so many slots, 1 or more. The task ends when the slots are there, or gone."""
        self._wanted = max(1, count)
        return self._begin(self._resize(self._wanted))

    def resize_by(self, more: int) -> asyncio.Task[None]:
        """Have so many slots more than there are, or were asked for last."""
        self._wanted = max(1, self._wanted + more)
        return self.resize(self._wanted)

    async def stop(self) -> None:
        """Let every worker drain and end."""
        self._stopping = True
        for slot in self.slots.values():
            slot.stop()
        # The workers still have theirs, until each has accepted what had come. Then connections are
        # refused: who waited for an answer in the drain would get none.
        self._addresses.close()
        while any(slot.state is not SlotState.EMPTY for slot in self.slots.values()):
            self._emptied.clear()
            await self._emptied.wait()
        for task in self._tasks:
            task.cancel()

    def kill(self) -> None:
        """End every worker at once."""
        for slot in self.slots.values():
            slot.kill()

    def workers(self) -> list[WorkerProcess]:
        """Return the workers of all slots."""
        return [worker for slot in self.slots.values() for worker in slot.workers()]

    def write_stacks(self) -> None:
        """Have every worker write its stacks."""
        for worker in self.workers():
            worker.write_stacks()

    # Slots.

    def _add_slot(self, number: int) -> Slot:
        slot = self.slots[number] = Slot(
            number, self._spawn, self._slot_changed, self._start_failed
        )
        return slot

    def _spawn(self, slot: Slot) -> WorkerProcess:
        worker = WorkerProcess(
            slot,
            slot=slot.number,
            workers=max(self._workers, self.count),
            sockets=self._addresses.of(slot.number),
            command=self._command,
            folder=self._folder,
            shared_folder=self._shared_folder,
            ended=self._worker_ended,
        )
        if self._limits.age is not None:
            jitter = random.uniform(1 - _AGE_JITTER, 1)  # noqa: S311 - nobody gains by guessing it
            self._age_limits[worker.pid] = self._limits.age * jitter
        return worker

    def _worker_ended(self, worker: WorkerProcess) -> None:
        self._age_limits.pop(worker.pid, None)
        if self._ended is not None:
            self._ended(worker)

    def _slot_changed(self, slot: Slot) -> None:
        if slot.state is SlotState.EMPTY:
            self._emptied.set()
        self._steer()

    def _start_failed(self, slot: Slot) -> None:
        """Send the clients of a slot to another one that serves: here nobody may ever accept them.

        They have come between the end of the last worker and our notice of it.
        """
        if any(one.state in _SERVING for one in self.slots.values()):
            self._addresses.drop_waiting(slot.number)

    def _steer(self) -> None:
        serving = {
            number
            for number, slot in self.slots.items()
            if slot.state in _SERVING and number not in self._removing
        }
        if serving:
            self._addresses.let_get(serving)

    async def _resize(self, count: int) -> None:
        async with self._one_at_a_time:
            if self._stopping:
                return
            self._workers = count
            for number in range(len(self.slots), count):
                self._add_slot(number).start()
            for worker in self.workers():
                worker.order(orders.WORKERS, count=count)
            for number in range(len(self.slots) - 1, count - 1, -1):
                await self._remove(number)

    async def _remove(self, number: int) -> None:
        """Remove a slot: its sockets get nothing more, and what has come is accepted."""
        slot = self.slots[number]
        self._removing.add(number)
        self._steer()
        if self._addresses.steered:
            await asyncio.sleep(_SETTLE)
        slot.stop()
        while slot.state is not SlotState.EMPTY:
            self._emptied.clear()
            await self._emptied.wait()
        del self.slots[number]
        self._removing.discard(number)
        self._addresses.close_slot(number)

    # Replacing.

    async def _reload(self) -> str | None:
        async with self._one_at_a_time:
            self._next_reload = None
            if self._stopping:
                return "the server is stopping"
            telemetry.emit("reload.begun", workers=len(self.slots))
            systemd.tell_reloading()
            try:
                return await self._roll()
            finally:
                systemd.tell_ready()

    async def _roll(self) -> str | None:
        for slot in list(self.slots.values()):
            if not await self._replace(slot):
                problem = f"worker {slot.number} did not start; the old workers go on"
                telemetry.emit("reload.failed", slot=slot.number, code=slot.last_exit)
                return problem
        self.reloads += 1
        telemetry.emit("reload.done", workers=len(self.slots))
        return None

    async def _replace(self, slot: Slot) -> bool:
        """Replace the worker of a slot; tell whether there is another one."""
        bound = None
        if slot.serving is not None and slot.serving.drain_timeout is None:
            bound = _LONGEST_DRAIN
        if not await slot.replace():
            return False
        if self._waits_for_drains:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(slot.wait_settled(), bound)
        return True

    async def _retire(self, slot: Slot, why: str) -> None:
        try:
            async with self._one_at_a_time:
                if slot.state is SlotState.SERVING and slot.serving is not None:
                    telemetry.emit(
                        "worker.retired", slot=slot.number, pid=slot.serving.pid, why=why
                    )
                    await self._replace(slot)
        finally:
            self._retiring.discard(slot.number)

    # Looking at the workers.

    async def _watch(self) -> None:
        last = self._loop.time()
        while True:
            await asyncio.sleep(_LOOK)
            now = self._loop.time()
            slept, last = now - last > _LOOK + _SLEPT, now
            if orphans.is_first_process():
                orphans.reap({worker.pid for worker in self.workers()})
            for worker in self.workers():
                if slept:
                    worker.heard_at = now
                if self._limits.timeout:
                    worker.end_if_blocked(self._limits.timeout)
            for slot in self.slots.values():
                why = self._reason_to_replace(slot)
                if why is not None and slot.number not in self._retiring:
                    self._retiring.add(slot.number)
                    self._begin(self._retire(slot, why))

    def _reason_to_replace(self, slot: Slot) -> str | None:
        worker = slot.serving
        if worker is None or slot.state is not SlotState.SERVING:
            return None
        if worker.age > self._age_limits.get(worker.pid, float("inf")):
            return f"it is {worker.age:.0f} s old"
        memory: int = worker.told.get("memory", 0)
        limit = self._limits.memory
        if limit is not None and memory > limit and worker.served > _YOUNG:
            return f"it has {memory} bytes of memory"
        return None

    def _begin(self, work: Any) -> asyncio.Task[Any]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
