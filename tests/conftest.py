"""What tests of all rooms share: on which reactor and loop a test runs, and how it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sock import telemetry
from sock.observe import log

# Tests run beside others on busy machines: how long one example takes says nothing about it.
settings.register_profile("sock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sock")

BOUND = 30.0  # seconds for everything that one test does; it waits for events, never for time


@pytest.fixture(autouse=True)
def _log_as_before(monkeypatch) -> None:
    """Take back what a test has subscribed: an adapter attaches the log for good."""
    for module, name in (
        (telemetry, "_subscribers"),
        (log, "_attached"),
        (log, "_user_count"),
        (log, "_unsubscribe"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))


@pytest.fixture
def caplog(caplog, request) -> Iterator[pytest.LogCaptureFixture]:
    """Be pytest's own, but for what asyncio tells of a task that another test has left.

    When the garbage collector finds a task whose exception nobody has asked for, asyncio tells of
    it. That may be in any later test.
    """

    def is_of_this_test(record: logging.LogRecord) -> bool:
        return not _is_of_another_file(record, request.path)

    caplog.handler.addFilter(is_of_this_test)
    yield caplog
    caplog.handler.removeFilter(is_of_this_test)


def _is_of_another_file(record: logging.LogRecord, path: Path) -> bool:
    """Tell whether asyncio tells of an exception that was raised in another file of tests."""
    if record.name != "asyncio" or not record.exc_info:
        return False
    frames = traceback.extract_tb(record.exc_info[2])
    tests = {frame.filename for frame in frames if Path(frame.filename).name.startswith("test_")}
    return bool(tests) and str(path) not in tests


@pytest.fixture
def events() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Collect what telemetry tells, but for slow turns: on a busy machine any turn may be slow."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def note(event, fields):
        if event != "turn.slow":
            seen.append((event, dict(fields)))

    unsubscribe = telemetry.subscribe(note)
    yield seen
    unsubscribe()


@pytest.fixture
def slow_turns() -> Iterator[list[float]]:
    """Collect how many seconds each slow turn has taken."""
    seconds: list[float] = []

    def note(event, fields):
        if event == "turn.slow":
            seconds.append(fields["seconds"])

    unsubscribe = telemetry.subscribe(note)
    yield seconds
    unsubscribe()


@pytest.fixture(params=["epoll", "transport"])
def reactor_kind(request, monkeypatch) -> str:
    """Run the test on each reactor."""
    if request.param == "transport":
        monkeypatch.setenv("SOCK_REACTOR", "transport")
    else:
        monkeypatch.delenv("SOCK_REACTOR", raising=False)
    return request.param


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_kind(request) -> str:
    """Run the test on each event loop."""
    if request.param == "uvloop" and not os.environ.get("SOCK_REQUIRE"):
        pytest.importorskip("uvloop")
    return request.param


@pytest.fixture
def run_async(request) -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine to its end; on each loop, if the test asks for `loop_kind` too.

    A test with a mark `timeout` has so long, less ten seconds to end in; another one has `BOUND`.
    """
    mark = request.node.get_closest_marker("timeout")
    bound = BOUND if mark is None else max(BOUND, mark.args[0] - 10)
    factory = asyncio.new_event_loop
    if "loop_kind" in request.fixturenames and request.getfixturevalue("loop_kind") == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop

    async def bounded(coroutine):
        return await asyncio.wait_for(coroutine, bound)

    def run(coroutine):
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(bounded(coroutine))

    return run


@pytest.fixture
def few_descriptors() -> Iterator[Callable[[int], None]]:
    """Let the process open so many more files, and no others, until the test ends."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def limit(left: int) -> None:
        opened = [os.dup(0) for _ in range(left + 1)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(opened), before[1]))
        for one in opened:
            os.close(one)

    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
