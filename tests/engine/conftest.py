"""A host without event loop, clock and wire, which records what a peer and a handler see.

Coroutines are driven for real, by hand: one that awaits a `Gate` goes on when the test opens it.
What must never happen, whatever a test is about, is noted in `broken`, and fails that test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sock import Options, Request, Sock, telemetry
from sock.engine import Job, Lifecycle, Phase, Role, cause


@dataclass(frozen=True)
class Closed:
    """The Close frame, as the peer sees it."""

    code: int | None
    detail: str = ""


class Cancelled(BaseException):
    """What a job sees that is cancelled, in place of asyncio's."""


class Gate:
    """Something to wait for."""

    def __init__(self) -> None:
        self.waiting: list[Work] = []
        self._outcome: Callable[[], Any] | None = None

    def open(self, value: Any = None) -> None:
        self._go(lambda: value)

    def fail(self, error: BaseException) -> None:
        def outcome():
            raise error

        self._go(outcome)

    def _go(self, outcome: Callable[[], Any]) -> None:
        self._outcome = outcome
        waiting, self.waiting = self.waiting, []
        for work in waiting:
            work.go_on()

    def __await__(self):
        if self._outcome is None:
            yield self
        assert self._outcome is not None, "resumed by its gate only"
        return self._outcome()


class Work:
    """A job under way, as a task would be."""

    def __init__(self, host: VirtualHost, job: Job) -> None:
        self.job = job
        self.begun = False
        self.running = False
        self.done = False
        self._host = host
        self._gate: Gate | None = None
        self._coroutine = _exhaust(host, job) if job.awaitable is None else _await(job.awaitable)

    def go_on(self) -> None:
        """Run until it waits again, or is done."""
        if not self.done:
            self._run(lambda: self._coroutine.send(None))

    def cancel(self) -> None:
        """Throw the cancellation in, unless it runs just now and sees it by itself."""
        if self.done or self.running:
            return
        if self._gate is not None and self in self._gate.waiting:
            self._gate.waiting.remove(self)
        self._run(lambda: self._coroutine.throw(Cancelled()))

    def forget(self) -> None:
        """Close what a test has left behind."""
        self.done = True
        self._coroutine.close()

    def _run(self, resume: Callable[[], Gate]) -> None:
        life = self._host.life
        self.begun = self.running = True
        try:
            self._gate = resume()
        except StopIteration as end:
            value = end.value
            report = lambda: life.job_returned(self.job, value)
        except Cancelled:
            report = lambda: life.job_returned(self.job, None)
        except BaseException as error:
            raised = error
            report = lambda: life.job_raised(self.job, raised)
        else:
            self.running = False
            self._gate.waiting.append(self)
            return
        self.running = False
        self.done = True
        self._host.under_way.remove(self)
        report()


class VirtualHost:
    """A `Host`.

    Args:
        eager: whether a job begins within `start`, and may end there; else in the next turn.
    """

    def __init__(self, *, eager: bool) -> None:
        self.request = Request()
        self.ref: Any = VirtualRef(self)
        self.life: Any = None
        self.saw: list[Any] = []
        """What the peer saw: messages, then perhaps a `Closed`."""
        self.reading = True
        self.bound: float | None = None
        """The seconds of the alarm that is set."""
        self.ended = False
        self.taking = True
        """Whether the peer takes what is pushed."""
        self.pending = 0
        self.late = False
        """Whether every turn has lasted too long already."""
        self.under_way: list[Work] = []
        self.broken: list[str] = []
        self._eager = eager
        self.woken = False
        self._cancelled: list[Job] = []
        self._cancels: list[Job] = []
        self._room = Gate()

    # The protocol.

    def push(self, message: Any, /) -> None:
        self.never(self.ended, "pushed after the end")
        self.never(self.closed is not None, f"pushed {message!r} after Close (rule 9)")
        # A lone surrogate cannot be encoded, a memoryview that was released not be read.
        size = _size(message)
        self.saw.append(message)
        if not self.taking:
            self.pending += size
            self.life.note_pending(self.pending)

    def close(self, code: int | None, detail: str, /) -> None:
        self.never(self.ended, "closed after the end")
        self.never(self.closed is not None, "closed twice (rule 9)")
        self.saw.append(Closed(code, detail))

    def start(self, job: Job, /) -> None:
        self.never(self.ended, "started a job after the end")
        work = job.handle = Work(self, job)
        self.under_way.append(work)
        if self._eager:
            work.go_on()

    def cancel(self, job: Job, /) -> None:
        self.never(job in self._cancelled, "cancelled a job twice")
        self.never(job.handle.done, "cancelled a job that was reported")
        self._cancelled.append(job)
        self._cancels.append(job)

    def hold(self) -> None:
        self.never(self.ended, "held after the end")
        self.never(not self.reading, "held twice")
        self.reading = False

    def resume(self) -> None:
        self.never(self.reading, "resumed what was not held")
        drains = self.life.cause is cause.SHUTDOWN and not self.life.peer_gone
        ends = self.life.phase is not Phase.LIVE and not drains
        self.never(ends, "resumed though the end has begun (rule 7)")
        self.reading = True

    def wake(self) -> None:
        self.woken = True

    def overdue(self) -> bool:
        return self.late

    def alarm(self, seconds: float | None, /) -> None:
        self.never(self.ended, "set an alarm after the end")
        self.bound = seconds

    def over(self) -> None:
        self.never(self.ended, "over twice")
        self.never(self.bound is not None, "over with an alarm set")
        self.ended = True

    # What a test does, and what it looks at.

    @property
    def closed(self) -> Closed | None:
        return next((one for one in self.saw if isinstance(one, Closed)), None)

    def turn(self) -> None:
        """Let the next turn come: begin jobs, deliver cancellations, step if that was asked for."""
        for work in tuple(self.under_way):
            if not work.begun:
                work.go_on()
        cancels, self._cancels = self._cancels, []
        for job in cancels:
            job.handle.cancel()
        if self.woken:
            self.woken = False
            self.life.step()

    def settle_down(self) -> None:
        """Let turns come until nothing is left to do."""
        while self.woken or self._cancels or any(not work.begun for work in self.under_way):
            self.turn()

    def spawn(self, coroutine: Any) -> Job:
        """Begin a task that dies with the connection."""
        job = Job(Role.TASK, "spawn", awaitable=coroutine)
        work = job.handle = Work(self, job)
        self.under_way.append(work)
        self.life.job_spawned(job)
        return job

    def take_all(self) -> None:
        """Let the peer take what is pending, and all that follows."""
        self.taking = True
        self.pending = 0
        self.life.note_pending(0)
        room, self._room = self._room, Gate()
        room.open()

    async def room(self) -> None:
        while self.life.outbox.full and not self.life.peer_gone:
            await self._room

    def never(self, happened: bool, what: str) -> None:
        if happened:
            self.broken.append(what)


class VirtualRef:
    """The address that `init` gets."""

    def __init__(self, host: VirtualHost) -> None:
        self._host = host
        self.request = host.request

    @property
    def closed(self) -> bool:
        return self._host.life.closed

    def send(self, info: Any, /) -> None:
        self._host.life.post(info)


class Connection:
    """A handler made of functions, its life cycle and its host.

    Args:
        base: what the handler is made from.
        eager: see `VirtualHost`.
        wrap: see `Lifecycle`.
        leaves_out: callbacks that the handler does not have, unless they are given.
        given: callbacks by their name, each without `self`; and options.
    """

    def __init__(
        self,
        base: type[Any] = Sock,
        *,
        eager: bool = True,
        wrap: Any = None,
        leaves_out: tuple[str, ...] = ("handle_control",),
        **given: Any,
    ) -> None:
        self.told: list[tuple[str, Any]] = []
        """The callbacks that were called, each with its argument."""
        self.failures: list[tuple[str, BaseException]] = []
        """What was logged as raised: where, and what."""
        self.abandoned: list[str] = []
        self.host = VirtualHost(eager=eager)
        self._inside = False
        self._abandons = False
        names = ("init", "handle_in", "handle_info", "handle_control", "terminate")
        present = [name for name in names if name in given or name not in leaves_out]
        callbacks = {name: given.pop(name, None) for name in present}
        methods = {name: self._recorded(name, callback) for name, callback in callbacks.items()}
        handler = type("Handler", (base,), methods)(self.host.request)
        self.life = self.host.life = Lifecycle(handler, Options(**given), self.host, wrap)

    # What happens to it.

    def open(self) -> None:
        self.life.open()

    def receive(self, *messages: Any) -> bool:
        """Receive messages as a parser delivers them; tell whether the last let it go on."""
        return [self.life.receive(message) for message in messages][-1]

    def receive_fast(self, message: Any) -> None:
        """Receive a message as a host may that knows the fast path; see `Lifecycle`."""
        callback = self.life.on_text if isinstance(message, str) else self.life.on_binary
        assert self.life.ready, "the fast path is for a connection that is ready"
        self.life.busy = True
        try:
            result = callback(message)
        except BaseException as error:
            self.life.take_error(error)
            return
        if self.life.ready and type(result) in {type(None), str, bytes}:
            if result is not None:
                self.host.push(result)
            result = None
        if self.life.ready and result is None:
            self.life.busy = False
        else:
            self.life.take_result(result)

    def post(self, *infos: Any) -> None:
        """Post infos, and let the next turn come."""
        for info in infos:
            self.life.post(info)
        self.host.turn()

    def alarm(self) -> None:
        """Let the bound pass."""
        assert self.host.bound is not None, "no alarm is set"
        self.host.bound = None
        self._abandons = self.life.phase is Phase.ENDING
        self.life.alarmed()

    # What came of it.

    @property
    def saw(self) -> list[Any]:
        return self.host.saw

    @property
    def calls(self) -> list[str]:
        return [name for name, _ in self.told]

    @property
    def handled(self) -> list[Any]:
        """What `handle_in` and `handle_info` were given."""
        return [value for name, value in self.told if name in {"handle_in", "handle_info"}]

    @property
    def reasons(self) -> list[Any]:
        """What `terminate` was given."""
        return [value for name, value in self.told if name == "terminate"]

    def abandon(self) -> None:
        """Close what a test has left under way."""
        for work in self.host.under_way:
            work.forget()

    def note(self, event: str, fields: Any) -> None:
        if fields.get("request") is not self.host.request:
            return
        if event == "callback.failed":
            self.failures.append((fields["place"], fields["error"]))
        if event == "callback.abandoned":
            self.abandoned.append(fields["place"])

    def _recorded(self, name: str, callback: Callable[[Any], Any] | None) -> Callable[..., Any]:
        never = self.host.never

        def method(handler: Any, argument: Any, /) -> Any:
            never((name == "init") is not (not self.told), "init is called first, once (rule 1)")
            never("terminate" in self.calls, f"called {name} after terminate (rule 8)")
            never(self._inside, f"called {name} within a callback (rule 3)")
            under_way = [work for work in self.host.under_way if not work.running]
            if name == "terminate":
                never(bool(under_way) and not self._abandons, "terminate is not the last (rule 8)")
            else:
                busy = any(work.job.role is Role.CALLBACK for work in under_way)
                never(busy, f"called {name} while a callback was under way (rule 3)")
                lags = self.life.outbox.full and not self.life.peer_gone
                never(lags, f"called {name} though the peer cannot keep up (rule 11)")
            self.told.append((name, argument))
            self._inside = True
            try:
                return None if callback is None else callback(argument)
            finally:
                self._inside = False

        return method


@pytest.fixture
def new_connection() -> Iterator[Callable[..., Connection]]:
    """Make a connection that is not open yet."""
    made: list[Connection] = []

    def new_connection(*args: Any, **given: Any) -> Connection:
        connection = Connection(*args, **given)
        made.append(connection)
        return connection

    unsubscribe = telemetry.subscribe(
        lambda event, fields: [one.note(event, fields) for one in made]
    )
    yield new_connection
    unsubscribe()
    for connection in made:
        connection.abandon()
    assert [what for connection in made for what in connection.host.broken] == []


@pytest.fixture
def connect(new_connection) -> Callable[..., Connection]:
    """Make a connection and open it."""

    def connect(*args: Any, **given: Any) -> Connection:
        connection = new_connection(*args, **given)
        connection.open()
        return connection

    return connect


@pytest.fixture
def gate() -> Gate:
    """Something for a callback to wait for."""
    return Gate()


@pytest.fixture
def closed() -> type[Closed]:
    """The Close frame, as the peer sees it: `closed(code, detail)`."""
    return Closed


def _size(message: Any) -> int:
    for name in ("utf8", "payload", "message"):
        message = getattr(message, name, message)
    return len(message.encode() if isinstance(message, str) else bytes(message))


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _exhaust(host: VirtualHost, job: Job) -> None:
    """Push what an iterator yields, and close it in the end, as the runtime's driver does."""
    try:
        while not job.cancelled:
            try:
                item = await anext(job.iterator)
            except StopAsyncIteration:
                return
            host.life.job_yielded(job, item)
            await host.room()
    finally:
        if hasattr(job.iterator, "aclose"):
            await job.iterator.aclose()
