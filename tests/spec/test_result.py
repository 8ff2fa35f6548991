import contextlib
import copy
import dataclasses
import pickle
import traceback
import typing
from dataclasses import FrozenInstanceError

import pytest

import sock
from sock import CloseCode, Ping, Stop, Stream, Text


async def words():
    yield "hello"


def test_stop_says_1000_unless_it_is_told():
    assert Stop() == Stop(CloseCode.NORMAL, "", (), None)


def test_stop_with_an_error_says_1011():
    error = ValueError("broken")
    stop = Stop(error=error)
    assert stop.code == CloseCode.INTERNAL_ERROR
    assert stop.error is error


def test_stop_with_an_error_may_say_another_code():
    assert Stop(4001, error=ValueError()).code == 4001


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
def test_stop_takes_a_code_that_may_travel(code):
    assert Stop(code).code == code


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1 << 16])
def test_stop_refuses_a_code_that_may_not_travel(code):
    with pytest.raises(
        ValueError, match=rf"close code {code} may not travel \(RFC 6455 §7\.4\.2\)"
    ):
        Stop(code)


@pytest.mark.parametrize("code", ["1000", "bye", 1000.0, b"", ()])
def test_stop_refuses_a_code_that_is_no_int(code):
    with pytest.raises(TypeError, match="code is an int, not"):
        Stop(code)


def test_stop_takes_a_detail_of_123_bytes():
    assert Stop(detail="ä" * 61 + "x").detail == "ä" * 61 + "x"


@pytest.mark.parametrize(
    ("detail", "cut"),
    [("x" * 124, "x" * 123), ("ä" * 62, "ä" * 61), ("x" * 122 + "\N{GRINNING FACE}", "x" * 122)],
)
def test_stop_cuts_a_detail_over_123_bytes_of_utf8_between_two_characters(detail, cut):
    """[S13.1]"""
    assert Stop(detail=detail).detail == cut
    assert Stop(detail=detail) == Stop(detail=cut)


def test_stop_refuses_a_detail_that_cannot_be_utf8():
    with pytest.raises(ValueError, match="surrogates"):
        Stop(detail="\ud800")


@pytest.mark.parametrize("detail", [b"bye", None, 7])
def test_stop_refuses_a_detail_that_is_no_text(detail):
    with pytest.raises(TypeError, match="detail is a str, not"):
        Stop(detail=detail)


@pytest.mark.parametrize("error", ["broken", ValueError, 7])
def test_stop_refuses_an_error_that_is_no_exception(error):
    with pytest.raises(TypeError, match="error is an exception, not"):
        Stop(error=error)


@pytest.mark.parametrize(
    ("stop", "shown"),
    [
        (Stop(), "Stop(code=1000)"),
        (Stop(CloseCode.GOING_AWAY, "bye"), "Stop(code=1001, detail='bye')"),
        (Stop(messages=["a", Ping()]), "Stop(code=1000, messages=['a', Ping(payload=b'')])"),
        (Stop(messages=""), "Stop(code=1000, messages='')"),
        (Stop(error=KeyError("x")), "Stop(code=1011, error=KeyError('x'))"),
    ],
)
def test_stop_shows_what_it_was_given(stop, shown):
    assert repr(stop) == shown


def test_stop_matches_in_the_order_of_its_arguments():
    match Stop(4000, "bye", ["last words"]):
        case Stop(4000, detail, messages, None):
            assert (detail, messages) == ("bye", ["last words"])
    assert Stop.__match_args__ == ("code", "detail", "messages", "error")


def test_stop_is_not_changed():
    stop = Stop()
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'code'"):
        stop.code = 1001
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'code'"):
        del stop.code
    assert stop == Stop()


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda stop: pickle.loads(pickle.dumps(stop))],  # noqa: S301 - our own
)
def test_stop_can_be_copied_and_pickled(again):
    stop = Stop(CloseCode.GOING_AWAY, "bye", [Text(b"last words")])
    assert again(stop) == stop


@pytest.mark.parametrize("stop", [Stop(4001, "bye", ["a"], KeyError("x")), Stop()])
def test_stop_may_be_raised_and_stays_the_same(stop):
    """[S6.9]"""
    with pytest.raises(Stop) as caught:
        raise stop
    assert caught.value is stop
    assert isinstance(stop, Exception)


def test_stop_may_be_raised_through_what_sets_the_attributes_of_an_exception():
    @contextlib.contextmanager
    def manager():
        yield

    with pytest.raises(Stop, match="4001 bye") as caught, manager():
        raise Stop(4001, "bye")
    caught.value.add_note("noted")
    assert caught.value.__notes__ == ["noted"]
    del caught.value.__notes__
    assert not hasattr(caught.value, "__notes__")


def test_a_traceback_shows_the_code_and_the_detail():
    assert traceback.format_exception_only(Stop()) == ["sock.Stop: 1000\n"]
    assert traceback.format_exception_only(Stop(4001, "bye")) == ["sock.Stop: 4001 bye\n"]


def test_equal_stops_have_the_same_hash_also_with_a_list_in_them():
    assert hash(Stop(4001, "a", ["b"])) == hash(Stop(4001, "a", ["b"]))
    assert len({Stop(), Stop(1000), Stop(4001)}) == 2
    assert Stop() != Stop(messages="")
    assert Stop(4001) != 4001


def test_stop_can_be_replaced_like_any_dataclass():
    assert dataclasses.replace(Stop(4001, "a"), detail="b") == Stop(4001, "b")


def test_the_annotations_of_stop_can_be_read():
    assert typing.get_type_hints(Stop)["code"] is int


def test_a_stream_is_begun_once():
    iterator = words()
    stream = Stream(iterator)
    assert stream.begin() is iterator
    assert stream.begin() is None


def test_a_stream_is_done_when_its_host_says_so():
    stream = Stream(words())
    assert not stream.done
    stream.finish()
    assert stream.done


def test_cancelling_tells_the_host_once():
    cancelled = []
    stream = Stream(words())
    stream.attach(lambda: cancelled.append("cancelled"))
    stream.cancel()
    stream.cancel()
    assert stream.done
    assert cancelled == ["cancelled"]


def test_a_stream_may_be_cancelled_before_any_host_has_it():
    stream = Stream(words())
    stream.cancel()
    assert stream.done
    assert stream.begin() is not None


def test_cancelling_what_has_ended_does_nothing():
    cancelled = []
    stream = Stream(words())
    stream.attach(lambda: cancelled.append("cancelled"))
    stream.finish()
    stream.cancel()
    assert cancelled == []


@pytest.mark.parametrize("iterator", [words, iter("abc"), "abc", None])
def test_a_stream_refuses_what_is_no_async_iterator(iterator):
    with pytest.raises(TypeError, match="iterator is an async iterator, not"):
        Stream(iterator)


def test_a_stream_can_be_told_by_match():
    match Stream(words()):
        case sock.Stream(done=done):
            assert not done


def test_an_iterator_may_be_put_around_the_one_of_a_stream_until_it_is_begun():
    async def items():
        yield "a"

    stream = Stream(items())
    inner, outer = [], items()
    stream.put_around(lambda iterator: inner.append(iterator) or outer)
    assert stream.begin() is outer
    stream.put_around(inner.append)
    assert len(inner) == 1
