"""One event loop for each process, in a thread of its own, for the connections of a WSGI server.

    what happens                          what is done
    ------------------------------------  ---------------------------------------------------------
    the first request that needs it       a thread begins, with an event loop
    a fork                                the child has none, and begins one of its own when needed
    a lifespan is needed the first time   a task of the loop enters it
    the worker of gunicorn is to end: a   new connections are refused with 503; the others finish
    signal, `max_requests`, `--reload`    their work and close with 1012; then the lifespans are
                                          left, the last one first; then the loop and its thread end
    the process ends in any other way,    the same; the end of the process waits for it
    such as by werkzeug's reloader
    the drain takes too long              the connections that are left are cut
    a callback raises SystemExit          its connection ends with 1011; the loop goes on

A process that is killed, or ended by a signal that Python does not handle, does none of this: its
peers lose TCP.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import importlib.util
import os
import threading
from concurrent.futures import Future
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from sock.hosting.asking import stopping
from sock.hosting.background_loop import provide
from sock.hosting.members import Members
from sock.spec.lifespan import enter_lifespan

from . import siblings, uwsgi

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from sock.spec.application import Lifespan

ResultT = TypeVar("ResultT")

DRAIN_TIMEOUT: Final = 20.0
"""Seconds that a drain may take: gunicorn kills a worker that is busy for 30 (`--timeout`)."""

_ENDING_TIMEOUT: Final = 5.0
"""Seconds behind a drain for the lifespans to be left, and for the loop to end."""


_LOOK: Final = 0.1
"""Seconds between two looks at whether the worker is to end."""


@final
class Background:
    """The event loop of this process, and its thread. `Background.of_process` returns it."""

    _of_process: Background | None = None
    _lock = threading.Lock()

    def __init__(self) -> None:
        self.drain_timeout: float | None = DRAIN_TIMEOUT
        """Seconds that the drain may take; None for no limit."""
        self.ended = False
        """Whether the process is about to end, so that nothing more is accepted."""
        self.loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        self._lifespans: dict[Lifespan, _Lifespan] = {}
        begun: Future[None] = Future()
        # A daemon: Python would wait for another thread before it lets us end this one.
        self._thread = threading.Thread(target=self._run, args=(begun,), name="sock", daemon=True)
        self._thread.start()
        begun.result()

    @classmethod
    def of_process(cls) -> Background:
        """Return the event loop of this process, which begins if it has not.

        Raises:
            HandshakeError: the process is about to end (503).
        """
        with cls._lock:
            background = cls._of_process
            if background is None:
                try:
                    _at_end(cls.end_of_process)
                except RuntimeError:  # Python is ending already
                    raise stopping() from None
                background = cls._of_process = cls()
        if background.ended:
            raise stopping()
        return background

    def call(self, function: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Run a coroutine in the loop, and return its result. The calling thread waits for it.

        Args:
            function: returns the coroutine, which runs in a copy of the caller's context.

        Raises:
            RuntimeError: this is called in the thread of the loop, which cannot wait for itself.
            Exception: whatever the coroutine raises.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "this waits for the event loop of the connections, and was called in it: await the"
                " coroutine instead"
            )
        told: Future[ResultT] = Future()

        async def tell() -> None:
            try:
                told.set_result(await function())
            except asyncio.CancelledError:
                told.set_exception(stopping())
            except BaseException as error:  # noqa: BLE001 - it is raised in the other thread
                told.set_exception(error)

        self.begin(tell)
        return told.result()

    def begin(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin a coroutine in the loop, in a copy of the context of the calling thread."""
        context = contextvars.copy_context()

        def begin() -> None:
            task = self.loop.create_task(function(), context=context)
            _running.add(task)
            task.add_done_callback(_running.discard)

        self.loop.call_soon_threadsafe(begin, context=contextvars.Context())

    async def enter(self, lifespan: Lifespan | None) -> dict[str, Any]:
        """Return what a lifespan has yielded. It is entered when this is called the first time.

        Raises:
            Exception: whatever the lifespan raises; it is entered again the next time.
        """
        if lifespan is None:
            return {}
        entered = self._lifespans.get(lifespan)
        if entered is None:
            entered = self._lifespans[lifespan] = _Lifespan(lifespan)
        try:
            return await asyncio.shield(entered.state)
        except Exception:
            self._lifespans.pop(lifespan, None)
            raise

    def _run(self, begun: Future[None]) -> None:
        uwsgi.leave_signals_to_main_thread()
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                loop = runner.get_loop()
                serving = loop.create_task(self._serve(begun))
                while not serving.done():
                    # What ends a program stops the loop. It was raised by a callback, and has ended
                    # the connection of that. The process is not ours, and the loop is that of all.
                    with contextlib.suppress(SystemExit, KeyboardInterrupt):
                        loop.run_until_complete(serving)
                serving.result()
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)  # no descriptor is left, say: the request is answered so
        siblings.remove_folder()  # the topics have ended with the loop

    async def _serve(self, begun: Future[None]) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        begun.set_result(None)
        worker = siblings.worker_object()
        while not self._stopped.is_set() and (worker is None or worker.alive):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), None if worker is None else _LOOK)
        self.ended = True
        members = Members.of(self.loop)
        await members.drain(self.drain_timeout)
        members.draining = True  # nobody follows on this loop
        for one in reversed(self._lifespans.values()):
            await one.leave()

    def end(self) -> None:
        """End the loop, and wait for that within its bound. Called at the end of the process."""
        uwsgi.hold_signals()
        self.ended = True
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self._stopped.set)
        limit = self.drain_timeout
        self._thread.join(None if limit is None else limit + _ENDING_TIMEOUT)

    @classmethod
    def end_of_process(cls) -> None:
        """End the loop of this process, if it has one."""
        if cls._of_process is not None:
            cls._of_process.end()

    @classmethod
    def forget(cls) -> None:
        """Forget the loop of the parent: its thread is not in this child."""
        cls._of_process = None
        cls._lock = threading.Lock()
        _running.clear()


def call(coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine in the event loop of the connections, and wait for its result.

    For routes and other threads, such as `call(rooms.broadcast("room:7", "hello"))`. What needs no
    answer needs no `call`: `Ref.send`, `send_all` and `PubSub.broadcast_soon` may be called in any
    thread.

    Args:
        coroutine: what is run there.

    Returns:
        Its result.

    Raises:
        RuntimeError: this is called in that event loop, which cannot wait for itself.
        HandshakeError: the process is about to end.
        Exception: whatever the coroutine raises.
    """

    async def run() -> ResultT:
        return await coroutine

    try:
        return Background.of_process().call(run)
    except BaseException:
        coroutine.close()  # if it has not begun, Python would warn of it
        raise


_running: Final[set[asyncio.Task[None]]] = set()
"""The tasks of `call`, because a loop keeps only weak references to its tasks."""


@final
class _Lifespan:
    """A lifespan, and the task that enters and leaves it. Made in the event loop."""

    def __init__(self, lifespan: Lifespan) -> None:
        self.state: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._left = asyncio.Event()
        # The context of the request that comes first is not that of the lifespan.
        self._task = asyncio.get_running_loop().create_task(
            self._hold(lifespan), context=contextvars.Context()
        )

    async def _hold(self, lifespan: Lifespan) -> None:
        try:
            async with enter_lifespan(lifespan) as state:
                self.state.set_result(state)
                await self._left.wait()
        except BaseException as error:
            if self.state.done():
                raise
            self.state.set_exception(error)

    async def leave(self) -> None:
        self._left.set()
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a lifespan has failed when it was left", "exception": error}
            )


def _at_end(function: Callable[[], None]) -> None:
    """Call a function at the end of the process, while threads may still be started.

    `atexit` would come behind the end of the threads of `asyncio.to_thread`, which a callback may
    want to use in a drain. Python has this function for its own pools of threads, which are ended
    behind us if their module has registered before us.
    """
    import_module("concurrent.futures.thread")
    register = getattr(threading, "_register_atexit", atexit.register)
    register(function)


provide(lambda: Background.of_process().loop)

if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=Background.forget)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
