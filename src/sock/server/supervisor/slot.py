"""A worker slot: it has one worker, and gets another when that one ends or is to be replaced.

    in         what happens                        what is done                            then
    ---------  ----------------------------------  -------------------------------------  ---------
    EMPTY      start                               a worker is started                     STARTING
    STARTING   its worker has ended, and was the   nothing: the server cannot start        EMPTY
               first of the server
    STARTING   its worker is ready                                                         SERVING
    STARTING   its worker has ended                wait: 1 s, then 2, 4, 8, 16, 30         WAITING
    STARTING   replace                             it is killed, another one is started    STARTING
    WAITING    the time is over, or replace        a worker is started                     STARTING
    SERVING    its worker drains by itself         another one is started                  STARTING
    SERVING    its worker has ended, and none      another one is started                  STARTING
               has in the last half minute
    SERVING    its worker has ended, again         wait, as above                          WAITING
    SERVING    replace                             a successor is started                  REPLACING
    REPLACING  the successor is ready              the old one is told to drain            SERVING
    REPLACING  the successor has ended             the replacement has failed              SERVING
    REPLACING  the old one has ended, or drains    the successor is the slot's worker now  STARTING
    REPLACING  replace                             the successor is killed, another one    REPLACING
                                                   is started
    any        stop                                the worker is told to drain; one that   ENDING
                                                   is not ready is killed
    ENDING     the last worker has ended                                                   EMPTY

Workers that drain belong to their slot until they have ended, beside the one that serves.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Final, final

from sock import telemetry

from .process import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from .process import WorkerProcess

_STEADY: Final = 30.0
"""Seconds of service after which a worker's end is no longer counted with those before it."""

_LONGEST_WAIT: Final = 30.0
"""Seconds between two attempts to start a worker that keeps dying."""


class SlotState(Enum):
    """What a slot is doing."""

    EMPTY = "empty"
    STARTING = "starting"
    WAITING = "waiting"
    SERVING = "serving"
    REPLACING = "replacing"
    ENDING = "ending"


@final
class Slot:
    """One worker slot.

    Args:
        number: of the slot, from 0.
        spawn: starts a worker that belongs to the slot it is given.
        changed: is called when the slot begins or ceases to serve, and when it is empty.
        failed: is called when a worker has ended before it was ready, and no other one serves here.
    """

    def __init__(
        self,
        number: int,
        spawn: Callable[[Slot], WorkerProcess],
        changed: Callable[[Slot], None],
        failed: Callable[[Slot], None] | None = None,
    ) -> None:
        self.number = number
        self.state = SlotState.EMPTY
        self.serving: WorkerProcess | None = None
        self.starting: WorkerProcess | None = None
        self.leaving: set[WorkerProcess] = set()
        """Workers that drain, or were killed, and have not ended yet."""
        self.starts = 0
        """How many workers were started here."""
        self.last_exit: int | None = None
        """The exit code of the last worker that ended without being told to."""
        self._spawn = spawn
        self._changed = changed
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._failures = 0
        self._first = False
        self._timer: asyncio.TimerHandle | None = None
        self._outcome: asyncio.Future[bool] | None = None
        self._settled = asyncio.Event()

    # What the supervisor does.

    def start(self, *, first: bool = False) -> asyncio.Future[bool]:
        """Start a worker.

        Args:
            first: whether it is the first of the server, which is not started again if it ends.

        Returns:
            Whether it got ready.
        """
        self._first = first
        outcome = self._expect()
        self._start()
        return outcome

    def replace(self) -> asyncio.Future[bool]:
        """Start a successor, which takes over when it is ready.

        Returns:
            Whether it got ready. If it did not, the old worker goes on.
        """
        outcome = self._expect()
        if self.state is SlotState.ENDING:
            self._tell(succeeded=False)
            return outcome
        self._abandon_start()
        self._start()
        return outcome

    def stop(self) -> None:
        """Let all workers drain and end."""
        self._abandon_start()
        if self.serving is not None:
            self._let_go(self.serving)
        self._tell(succeeded=False)
        self._become(SlotState.ENDING)
        self._look_empty()

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self.workers():
            worker.kill()

    def workers(self) -> list[WorkerProcess]:
        """Return all workers of this slot, those that drain among them."""
        present = [one for one in (self.serving, self.starting) if one is not None]
        return [*present, *self.leaving]

    async def wait_settled(self) -> None:
        """Wait until no worker is on its way out."""
        while self.leaving:
            self._settled.clear()
            await self._settled.wait()

    # What becomes of its workers.

    def worker_ready(self, worker: WorkerProcess) -> None:
        """Let this worker serve, and the one that has served until now drain."""
        if worker is not self.starting:
            return
        old, self.serving, self.starting = self.serving, worker, None
        self._first = False
        self._become(SlotState.SERVING)
        if old is not None:
            self._let_go(old)
        self._tell(succeeded=True)

    def worker_draining(self, worker: WorkerProcess) -> None:
        """Start another worker: this one drains although nobody here has told it to."""
        if worker is self.serving:
            self.serving = None
            self.leaving.add(worker)
            self._start_unless_begun()

    def worker_ended(self, worker: WorkerProcess) -> None:
        """Start another worker, now or later, if this one was not to end."""
        if worker in self.leaving:
            self.leaving.discard(worker)
            self._settled.set()
            self._look_empty()
            return
        self.last_exit = worker.exit_code
        if worker is self.serving:
            self.serving = None
            self._failures = 0 if worker.served > _STEADY else self._failures
            self._start_unless_begun(self._next_wait())
        elif worker is self.starting:
            self.starting = None
            if self.serving is not None:
                self._become(SlotState.SERVING)
            elif self._first:
                self._become(SlotState.EMPTY)
            else:
                self._failures = max(self._failures, 1)  # the first wait is a second
                self._start_unless_begun(self._next_wait())
                if self._failed is not None:
                    self._failed(self)
            self._tell(succeeded=False)

    def _next_wait(self) -> float:
        """Return the seconds until the next attempt: 0, 1, 2, 4 … 30."""
        wait = 0.0 if not self._failures else min(_LONGEST_WAIT, 2.0 ** (self._failures - 1))
        self._failures += 1
        return wait

    def _start_unless_begun(self, wait: float = 0.0) -> None:
        if self.starting is not None:
            self._become(SlotState.STARTING)
        elif wait:
            self._become(SlotState.WAITING)
            telemetry.emit("worker.waiting", slot=self.number, code=self.last_exit, seconds=wait)
            self._timer = self._loop.call_later(wait, self._start)
        else:
            self._start()

    def _start(self) -> None:
        self._cancel_timer()
        self.starts += 1
        try:
            self.starting = self._spawn(self)
        except OSError as error:  # no memory, too many processes: that may pass
            telemetry.emit("worker.failed", slot=self.number, error=error)
            self._tell(succeeded=False)
            if self.serving is None:
                self._failures = max(self._failures, 1)
                self._start_unless_begun(self._next_wait())
            return
        self._become(SlotState.STARTING if self.serving is None else SlotState.REPLACING)

    def _abandon_start(self) -> None:
        self._cancel_timer()
        if self.starting is not None:
            self.leaving.add(self.starting)
            self.starting.kill()
            self.starting = None

    def _let_go(self, worker: WorkerProcess) -> None:
        if worker is self.serving:
            self.serving = None
        if worker.state is not State.GONE:
            self.leaving.add(worker)
            worker.drain()

    def _expect(self) -> asyncio.Future[bool]:
        if self._outcome is None or self._outcome.done():
            self._outcome = self._loop.create_future()
        return self._outcome

    def _tell(self, *, succeeded: bool) -> None:
        if self._outcome is not None and not self._outcome.done():
            self._outcome.set_result(succeeded)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _become(self, state: SlotState) -> None:
        self.state = state
        self._changed(self)

    def _look_empty(self) -> None:
        if self.state is SlotState.ENDING and not self.workers():
            self._become(SlotState.EMPTY)
