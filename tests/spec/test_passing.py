"""What a handler gives to be sent, on its way through a function. [S20.3] [S20.5]"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from sock import HandlerError, Ping, Prepared, Stop, Stream, Text
from sock.spec.passing import pass_raised, pass_result, pass_stop


def marked(message):
    """Mark every text, swallow "no", and end at "end"."""
    if message == "end":
        return Stop(4002, messages="over")
    return None if message == "no" else f"{message}!" if isinstance(message, str) else message


async def generate(*items):
    for item in items:
        yield item


async def later(value):
    return value


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        (None, None),
        ("a", "a!"),
        ("no", None),
        ("end", Stop(4002, messages="over")),
        (Prepared("a"), Prepared("a")),
        ([], []),
        (("a", "no", Text(b"b"), Ping()), ["a!", Text(b"b"), Ping()]),
        (["a", "end", "b"], Stop(4002, messages=["a!", "over"])),
        (Stop(4001, "mine", "a"), Stop(4001, "mine", ["a!"])),
        (Stop(4001, messages=["no"]), Stop(4001, messages=[])),
        (Stop(4001, messages=["a", "end"]), Stop(4002, messages=["a!", "over"])),
    ],
    ids=repr,
)
def test_what_is_whole_passes_at_once(given, passed):
    assert pass_result(given, marked) == passed


@pytest.mark.parametrize("given", [7, {}, ["a", 7], Stop(messages=7), Stop(messages=["a", None])])
def test_what_is_no_result_is_left_to_the_host(given):
    seen = []
    assert pass_result(given, seen.append) is given
    assert seen == []


def test_a_stop_without_messages_stays_the_same():
    stop = Stop(4001)
    assert pass_stop(stop, marked) is stop


def test_an_awaitable_passes_when_it_is_done(run_async):
    assert run_async(pass_result(later(["a", "no"]), marked)) == ["a!"]


def test_items_pass_one_by_one(run_async):
    async def all_of(iterator):
        return [item async for item in iterator]

    expected = ["a!", 7, Stop(4001, messages=["b!"])]
    items = ("a", "no", 7, Stop(4001, messages="b"))
    assert run_async(all_of(pass_result(generate(*items), marked))) == expected
    stream = Stream(generate(*items))
    assert pass_result(stream, marked) is stream
    assert run_async(all_of(stream.begin())) == expected


def test_a_generator_is_closed_as_the_one_in_it_and_an_iterator_is_not(run_async):
    async def act():
        inner = generate("a", "b")
        passed = pass_result(inner, marked)
        assert isinstance(passed, AsyncGenerator)
        assert await anext(passed) == "a!"
        await passed.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(inner)

        class Items:
            def __aiter__(self):
                return self

            async def __anext__(self):
                return "a"

        passed = pass_result(Items(), marked)
        await passed.aclose()
        assert await anext(passed) == "a!"

    run_async(act())


def test_a_raised_stop_is_seen_and_another_exception_is_none():
    assert pass_raised(Stop(4001, messages="a"), marked) == Stop(4001, messages=["a!"])
    assert pass_raised(ExceptionGroup("", [Stop(4001)]), marked) == Stop(4001)
    assert pass_raised(LookupError(), marked) is None


@pytest.mark.parametrize("wrong", [7, ["a"], object()])
def test_the_function_returns_a_message_none_or_a_stop(wrong):
    with pytest.raises(HandlerError, match=r"returned '.*', which is neither a message, None nor"):
        pass_result("a", lambda _: wrong)
