"""The end of an event loop of its own. What it leaves in a process is in test_run.py."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from sock.server.ending import run_to_end, threads_left


def end(main, *, debug=False):
    run_to_end(main, loop_factory=asyncio.SelectorEventLoop, debug=debug)


def test_what_the_coroutine_raises_is_raised():
    async def main():
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        end(main)


def test_a_coroutine_that_is_interrupted_by_another_task_still_comes_to_its_own_end():
    """As a drain does, when a callback has raised SystemExit."""
    journal = []

    async def exits():
        raise SystemExit(3)

    async def main():
        other = asyncio.create_task(exits())
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            # Who asks for the exception keeps asyncio from telling another test of it.
            journal.append(str(other.exception()))

    with pytest.raises(SystemExit):
        end(main)
    assert journal == ["3"]


@pytest.mark.parametrize("debug", [False, True])
def test_the_loop_is_in_debug_mode_if_that_is_asked_for(debug):
    async def main():
        assert asyncio.get_running_loop().get_debug() is debug

    end(main, debug=debug)


def test_what_is_left_is_told_by_name(events):
    let_go = threading.Event()

    async def stays():
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    async def main():
        main.task = asyncio.create_task(stays(), name="the stubborn one")
        asyncio.get_running_loop().run_in_executor(None, let_go.wait)
        await asyncio.sleep(0)

    try:
        end(main)
    finally:
        let_go.set()
    [(event, told)] = events
    assert event == "server.left"
    assert told["tasks"] == [f"the stubborn one ({stays.__qualname__})"]
    assert len(told["threads"]) == 1


def test_where_nothing_is_left_nothing_is_told(events):
    async def main():
        main.task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.to_thread(int)

    end(main)
    assert events == []


def test_threads_that_were_known_and_daemons_are_not_waited_for():
    let_go = threading.Event()
    known, own, daemon = (
        threading.Thread(target=let_go.wait, daemon=number == 2) for number in range(3)
    )
    before = {*threading.enumerate(), known}
    for thread in (known, own, daemon):
        thread.start()
    try:
        assert threads_left(before, 0.01) == [own]
    finally:
        let_go.set()
    assert threads_left(before, 10) == []
