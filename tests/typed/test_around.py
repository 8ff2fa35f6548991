"""What a host calls for each message of a class with values."""

import json
import tracemalloc

import pytest

from sock import HandlerError
from sock.typed.around import around_handle_in


def around(callback, write, refused=repr):
    def encoded(result, place):
        raise HandlerError(f"{place} gave {result!r}")

    def raised(error, _result, _place):
        return error

    return around_handle_in(callback, refused, json.loads, write, list, encoded, raised)


def write(value, buffer):
    buffer[:] = json.dumps(value).encode()


def test_a_usual_result_comes_back_as_text_and_nothing_as_nothing():
    handle_in = around(lambda value: value or None, write)
    assert [handle_in(text) for text in ("[1]", '["ä", 2]', "[]", "[3]")] == [
        "[1]",
        '["\\u00e4", 2]',
        None,
        "[3]",
    ]


def test_what_does_not_fit_and_what_is_not_usual_goes_to_others():
    handle_in = around(lambda value: value, write, refused=lambda error: [type(error).__name__])
    assert handle_in("{") == '["JSONDecodeError"]'
    with pytest.raises(HandlerError, match="handle_in gave 'x'"):
        handle_in('"x"')


def test_a_value_that_writes_another_one_while_it_is_written_keeps_its_own_text():
    inner = []

    def write_two(value, buffer):
        buffer[:] = json.dumps(value).encode()
        if value[1:]:
            inner.append(handle_in(json.dumps(value[1:])))
            buffer += b" "

    handle_in = around(lambda value: value, write_two)
    for _ in range(3):
        inner.clear()
        assert handle_in("[1, 2, 3]") == "[1, 2, 3] "
        assert inner == ["[3]", "[2, 3] "]


def test_an_error_of_the_writer_comes_out_and_the_next_value_is_written():
    def write_some(value, buffer):
        if value == [0]:
            buffer[:] = b"half of"
            raise TypeError("no JSON")
        write(value, buffer)

    handle_in = around(lambda value: value, write_some)
    with pytest.raises(TypeError, match="no JSON"):
        handle_in("[0]")
    assert handle_in("[1]") == "[1]"


def test_the_memory_of_a_large_value_is_not_kept():
    handle_in = around(lambda value: value, write)
    large = json.dumps(["x" * 1_000_000])
    handle_in("[1]")
    tracemalloc.start()
    assert handle_in(large) == large
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 500_000
