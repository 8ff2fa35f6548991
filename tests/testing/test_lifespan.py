"""The lifespan of an application, in the kit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from sock import Application, Options, Response, Sock, testing


class Pooled(Sock):
    options = Options(max_mailbox=7)

    def __init__(self, request):
        self.pool = request.state["pool"]

    def handle_in(self, message):
        return self.pool


def living(journal, enters=None, leaves=None):
    @asynccontextmanager
    async def lifespan():
        journal.append("enters")
        if enters is not None:
            await enters()
        async with asyncio.TaskGroup() as group:  # which minds the task that it is in
            waiting = group.create_task(asyncio.Event().wait())
            try:
                yield {"pool": f"pool {journal.count('enters')}"}
            finally:
                waiting.cancel()
                journal.append("leaves")
        if leaves is not None:
            await leaves()

    return lifespan


def test_open_sessions_share_a_lifespan_that_ends_with_the_last():
    journal = []
    app = Application(Pooled, lifespan=living(journal))
    with testing.open(app) as ada:
        with testing.open(app) as bob:
            ada.receive("?")
            bob.receive("?")
            assert ada.pushed() == bob.pushed() == ["pool 1"]
        assert journal == ["enters"]
    assert journal == ["enters", "leaves"]
    with testing.open(app) as again:
        again.receive("?")
        assert again.pushed() == ["pool 2"]


def test_two_applications_have_a_lifespan_each():
    first, second = [], []
    with (
        testing.open(Application(Pooled, lifespan=living(first))),
        testing.open(Application(Pooled, lifespan=living(second))),
    ):
        assert (first, second) == (["enters"], ["enters"])
    assert (first, second) == (["enters", "leaves"], ["enters", "leaves"])


def test_what_the_test_puts_into_the_state_stays():
    app = Application(Pooled, lifespan=living([]))
    with testing.open(app, testing.request(state={"pool": "a fake"})) as session:
        session.receive("?")
        assert session.pushed() == ["a fake"]


def test_it_is_left_when_there_is_no_connection_or_the_application_raises():
    journal = []

    def app(request):
        if request.path == "/":
            return Response(200, request.state["pool"])
        raise RuntimeError("no such page")

    app.lifespan = living(journal)
    with testing.open(app) as session:
        assert session.response == Response(200, "pool 1")
    with pytest.raises(RuntimeError, match="no such page"):
        testing.open(app, "/other").__enter__()
    assert journal == ["enters", "leaves"] * 2


async def _raise():
    raise RuntimeError("no database")


def test_what_it_raises_is_raised_where_it_is_entered_or_left():
    with pytest.raises(RuntimeError, match="no database"):
        testing.open(Application(Pooled, lifespan=living([], enters=_raise))).__enter__()
    session = testing.open(Application(Pooled, lifespan=living([], leaves=_raise)))
    with pytest.raises(RuntimeError, match="no database"), session:
        pass
    with testing.open(Application(Pooled, lifespan=living([]))):  # and nothing is left of them
        pass


def test_one_that_waits_for_time_to_pass_is_told_so():
    async def sleep():
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError, match="begin waits for time to pass"):
        testing.open(Application(Pooled, lifespan=living([], enters=sleep))).__enter__()
