"""The lane of one topic of one connection: what comes for the topic, one at a time, in order.

    a lane is  what comes                           what is done                        then
    ---------  -----------------------------------  ----------------------------------  ----
    idle       anything                             begin it (`lifecycle.py`)           busy
    busy       anything, fewer than `max_waiting`   let it wait                         busy
    busy       one event more                       reply error                         busy
    busy       one info more                        end the channel when it is free     busy
    busy       one join or leave more               end the connection, whose client    busy
                                                    could not follow any more
    busy       a join that waits for five seconds   interrupt what is under way, and    busy
                                                    drop what waits before the join
    busy       the work is done, something waits    begin what has waited longest       busy
    busy       the work is done, nothing waits      drop the lane, unless a channel     idle
                                                    has joined
    any        the connection ends                  end the channel

A lane has no task: what awaits something goes on beside the connection (`steps.py`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, final

from sock.spec import MailboxFull, RateExceeded

from .channel_ref import StopChannel, ToChannel
from .lifecycle import SHUTDOWN_TIMEOUT, ChannelLifecycle
from .message import JOIN, Message
from .steps import StepRunner
from .waiting import Waiting, is_control

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .channel import Channel
    from .connection import Connection
    from .reason import Ended
    from .steps import Rest, Steps
    from .waiting import Work


@final
class TopicLane(ChannelLifecycle):
    """The lane of one topic of one connection.

    Args:
        connection: of the client.
        topic: the topic.
        kind: the class of its channels.
    """

    __slots__ = ("_busy", "_runner", "_waiting")

    def __init__(self, connection: Connection, topic: str, kind: type[Channel]) -> None:
        super().__init__(connection, topic, kind)
        self._busy = False
        self._waiting: Waiting | None = None  # made when something has to wait
        self._runner: StepRunner | None = None  # while something is awaited

    # From the connection.

    def take(self, work: Work) -> Rest | None:
        """Do what has come, or let it wait.

        Returns:
            The rest of the work, which the transport runs; None if there is none.

        Raises:
            RateExceeded: too many joins and leaves wait.
        """
        if not self._busy:
            self._busy = True
            return self._run(self._steps(work))
        waiting = self._waiting
        if waiting is None:
            waiting = self._waiting = Waiting(self.connection.note_waiting)
        if len(waiting) >= self.connection.limits.max_waiting:
            self._refuse(waiting, work)
            return None
        waiting.put(work)
        if isinstance(work, Message) and work.event == JOIN:
            loop = asyncio.get_running_loop()
            loop.call_later(SHUTDOWN_TIMEOUT, self._make_room_for, work)
        return None

    def end(self, reason: Ended) -> Awaitable[None] | None:
        """Call terminate, if a channel has joined: the connection has ended.

        Returns:
            What is left to await; None if nothing.
        """
        self._waiting = None
        steps = self.steps_to_end(reason)
        awaited = next(steps, None)
        if awaited is None:
            return None
        return StepRunner(self.connection.ref).exhaust(steps, awaited)

    # What waits.

    def _refuse(self, waiting: Waiting, work: Work) -> None:
        if not isinstance(work, Message):
            # The program is faster than the channel, as with `max_mailbox` of a connection.
            full = MailboxFull(f"{len(waiting)} events and infos wait for {self.topic!r}")
            waiting.keep_controls()
            waiting.put(ToChannel(self, self._channel, StopChannel(full)))
        elif is_control(work):
            raise RateExceeded("too many joins and leaves wait")
        else:
            self.reply(work, "error", {"reason": "too many events waiting"})

    def _make_room_for(self, join: Message) -> None:
        """Interrupt what is under way, and drop what waits in front of a join but controls."""
        waiting = self._waiting
        if waiting is not None and waiting.has(join):
            waiting.keep_controls(join)
            if self._runner is not None:
                self._runner.interrupt()

    # What is under way.

    def _run(self, steps: Steps) -> Rest | None:
        awaited = next(steps, None)
        if awaited is None:
            return None
        self._runner = StepRunner(self.connection.ref)
        return self._runner.run(steps, awaited, self.connection.take_late)

    def _steps(self, work: Work) -> Steps:
        while True:
            yield from self.steps_for(work)
            if not self._waiting:
                break
            work = self._waiting.take()
        self._busy = False
        self._waiting = self._runner = None
        if not self.is_joined:
            self.connection.drop(self.topic)
