"""The lifespan of an application: entered, left, and what it yields."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from sock.spec.lifespan import check_context_manager, enter_lifespan, joined


def of(yielded, journal=None):
    @asynccontextmanager
    async def lifespan():
        try:
            yield yielded
        finally:
            if journal is not None:
                journal.append("left")

    return lifespan


async def state_of(lifespan):
    async with enter_lifespan(lifespan) as state:
        return state


@pytest.mark.parametrize(
    ("lifespan", "state"),
    [(None, {}), (of(None), {}), (of({}), {}), (of({"pool": 7}), {"pool": 7})],
    ids=["none", "nothing", "empty", "mapping"],
)
def test_what_it_yields_is_the_state_and_nothing_is_none(run_async, lifespan, state):
    assert run_async(state_of(lifespan)) == state


def test_the_state_is_a_copy(run_async):
    yielded = {"pool": 7}
    assert run_async(state_of(of(yielded))) is not yielded


def test_what_it_yields_is_a_mapping_and_it_is_left_all_the_same(run_async):
    journal = []
    with pytest.raises(TypeError, match=r"a lifespan yields None, or a mapping .* has yielded 7"):
        run_async(state_of(of(7, journal)))
    assert journal == ["left"]


async def generator():
    yield {}


async def coroutine():
    return {}


@pytest.mark.parametrize(
    ("lifespan", "told"),
    [
        (generator, "'async_generator': it lacks the decorator contextlib.asynccontextmanager"),
        (coroutine, "'coroutine': it lacks the decorator contextlib.asynccontextmanager"),
        (dict, "'dict'$"),
    ],
)
def test_what_it_returns_is_an_async_context_manager(run_async, lifespan, told):
    with pytest.raises(TypeError, match=f"a lifespan returns an async context manager, not {told}"):
        run_async(state_of(lifespan))


def test_an_async_context_manager_is_entered_as_it_is():
    made = of({})()
    assert check_context_manager(made, "a factory") is made


def test_several_are_entered_in_order_and_left_in_reverse_also_when_one_fails(run_async):
    journal = []
    one, two = of({"a": 1}, journal), of({"b": 2}, journal)
    assert run_async(state_of(joined([one, None, two, one]))) == {"a": 1, "b": 2}
    assert journal == ["left", "left"]
    with pytest.raises(TypeError, match=r"two lifespans yield 'a', and .* another name"):
        run_async(state_of(joined([one, of({"a": 3}, journal)])))
    assert journal == ["left"] * 4
    with pytest.raises(TypeError, match="a lifespan yields None, or a mapping"):
        run_async(state_of(joined([one, of(7, journal)])))
    assert journal == ["left"] * 6


def test_none_and_one_are_joined_to_none_and_to_that_one():
    one = of({})
    assert joined([None, None]) is None
    assert joined([None, one, one]) is one
