"""A handler whose messages are values: what it gets, what its peer gets, and what ends it."""

import logging
from dataclasses import dataclass

import msgspec
import pytest

from sock import (
    Application,
    Failed,
    HandlerError,
    InvalidMessage,
    JsonSock,
    Normal,
    Options,
    Ping,
    Prepared,
    Ref,
    Request,
    Routes,
    Stop,
    Stream,
    Text,
    Wrapper,
    around,
    testing,
)
from sock.observe import log


class Line(msgspec.Struct):
    author: str
    text: str


class Move(msgspec.Struct, tag="move"):
    x: int


class Say(msgspec.Struct, tag="say"):
    text: str


class Echo(JsonSock[None, Line, Line]):
    def handle_in(self, message):
        return message


class AsyncEcho(JsonSock[None, Line, Line]):
    async def handle_in(self, message):
        return message


ADA = Line("ada", "hi")
JSON = '{"author":"ada","text":"hi"}'


@pytest.mark.parametrize("kind", [Echo, AsyncEcho])
def test_a_message_is_decoded_for_the_handler_and_its_result_is_encoded(kind):
    with testing.open(kind) as session:
        session.receive(JSON, JSON)
        assert session.pushed() == [JSON, JSON]


def test_a_handler_can_be_called_with_values_in_a_test():
    assert Echo(testing.request()).handle_in(ADA) is ADA


async def lines():
    yield ADA
    yield Text(b"{}")


async def lines_and_stop():
    yield ADA
    raise Stop(4001, messages=ADA)


@pytest.mark.parametrize(
    ("result", "pushed"),
    [
        (lambda: None, []),
        (lambda: ADA, [JSON]),
        (lambda: [ADA, Text(b"1"), Prepared("2")], [JSON, "1", "2"]),
        (lambda: (ADA, ADA), [JSON, JSON]),
        (lambda: Stop(4001), []),
        (lambda: Stop(4001, messages=ADA), [JSON]),
        (lambda: Stop(4001, messages=[ADA, Text(b"1")]), [JSON, "1"]),
        (lambda: Stream(lines()), [JSON, "{}"]),
        (lines, [JSON, "{}"]),
        (lines_and_stop, [JSON, JSON]),
        (lambda: Stream(lines_and_stop()), [JSON, JSON]),
    ],
)
@pytest.mark.parametrize("place", ["init", "handle_in", "handle_info", "handle_control"])
def test_values_are_encoded_in_every_form_of_a_result_of_every_callback(result, pushed, place):
    class Gives(JsonSock[str, Line, Line]): ...

    setattr(Gives, place, lambda self, argument: result())
    with testing.open(Gives) as session:
        if place == "handle_in":
            session.receive(JSON)
        if place == "handle_info":
            session.info("go")
        if place == "handle_control":
            session.receive(Ping())
        assert session.pushed() == pushed
        assert session.code in {None, 4001}


@pytest.mark.parametrize("wait", [False, True])
def test_the_messages_of_a_raised_stop_are_encoded(wait):
    class Raises(JsonSock[None, Line, Line]):
        def handle_in(self, message):
            if wait:
                return self.later()
            raise Stop(4001, "bye", ADA)

        async def later(self):
            raise Stop(4001, "bye", ADA)

    with testing.open(Raises) as session:
        session.receive(JSON)
        assert (session.pushed(), session.code, session.detail) == ([JSON], 4001, "bye")
        assert session.reason == Normal()


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ('{"author":1,"text":"x"}', "$.author: expected `str`, got `int`"),
        ('{"author":"ada"}', "$: object missing required field `text`"),
        ("", "Input data was truncated"),
        ('{"author":"a","text":"b","c":%s' % ("[" * 100_000), "JSON is nested too deeply"),
        ('{"author":1e999,"text":""}', "$.author: number out of range"),
    ],
)
def test_a_message_that_does_not_fit_closes_with_1007_and_the_name_of_the_field(message, detail):
    ended = []

    class Ends(Echo):
        def terminate(self, reason):
            ended.append(reason)

    with testing.open(Ends) as session:
        session.receive(JSON, message, JSON)
        assert session.pushed() == [JSON]
        assert (session.code, session.detail) == (1007, detail)
        assert session.error is None
    (reason,) = ended
    assert isinstance(reason, Failed)
    assert str(reason.error) == detail


def test_an_unknown_tag_closes_with_1007():
    class Game(JsonSock[None, Move | Say, Move | Say]):
        def handle_in(self, message):
            return message

    with testing.open(Game) as session:
        session.receive('{"type":"move","x":1}', '{"type":"fly"}')
        assert session.pushed() == ['{"type":"move","x":1}']
        assert (session.code, session.detail) == (1007, "$.type: invalid value 'fly'")


def test_a_long_detail_is_cut_to_what_a_close_frame_carries():
    class Game(JsonSock[None, Move | Say, None]):
        def handle_in(self, message): ...

    with testing.open(Game) as session:
        session.receive('{"type":"%s"}' % ("ü" * 1000))
        assert session.code == 1007
        assert session.detail.startswith("$.type: invalid value 'üüü")
        assert len(session.detail.encode()) <= 123


def test_a_message_over_the_limit_is_not_decoded_at_all():
    with testing.open(Echo, options=Options(max_message_size=1000)) as session:
        session.receive('{"author":"%s","text":""}' % ("a" * 2000))
        assert session.code == 1009


@pytest.mark.parametrize("wait", [False, True])
def test_a_handler_may_answer_a_message_that_does_not_fit(wait):
    class Patient(Echo):
        def handle_invalid(self, error):
            answer = Line("server", error.path)
            return self.later(answer) if wait else answer

        async def later(self, answer):
            return answer

    with testing.open(Patient) as session:
        session.receive('{"author":1}', JSON)
        assert session.pushed() == ['{"author":"server","text":"$.author"}', JSON]
        assert session.code is None


def test_a_binary_message_closes_with_1003():
    with testing.open(Echo) as session:
        session.receive(JSON.encode())
        assert session.code == 1003


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"author": "ada"}, "'dict' is not Line"),
        ("hi", "'str' is not Line; Text(…) sends JSON that is encoded already"),
        (b"hi", "'bytes' is not Line; Text(…) sends JSON that is encoded already"),
        ([ADA, 7], "'int' is not Line"),
        (Line("ada", object()), "'Line' cannot be written as JSON"),
        (Line("ada", "\ud800"), "'Line' cannot be written as JSON"),
        (Stop(4001, messages=7), "'int' is not Line"),
    ],
)
def test_what_cannot_be_sent_ends_with_1011_and_an_error_that_names_the_type(result, told):
    class Wrong(JsonSock[None, Line, Line]):
        def handle_in(self, message):
            return result

    with testing.open(Wrong) as session:
        session.receive(JSON)
        assert (session.pushed(), session.code, session.detail) == ([], 1011, "")
        assert isinstance(session.error, HandlerError)
        assert "Wrong.handle_in sends what it should not" in str(session.error)
        assert told in str(session.error)


def test_an_exception_of_the_handler_stays_its_own():
    class Fails(JsonSock[None, Line, Line]):
        def handle_in(self, message):
            raise ValueError("a bug") from LookupError("its cause")

    with testing.open(Fails) as session:
        session.receive(JSON)
        assert session.code == 1011
        assert repr(session.error) == "ValueError('a bug')"
        assert isinstance(session.error.__cause__, LookupError)


def test_an_info_is_sent_where_there_is_no_handle_info():
    with testing.open(Echo) as session:
        session.info(ADA)
        session.info(Echo.encode(ADA))
        assert session.pushed() == [JSON, JSON]
        session.info(7)
        assert session.code == 1011
        assert str(session.error) == (
            "Echo has no handle_info, and 'int' is not Line, which it could send"
        )


def test_a_list_is_one_message_where_the_type_is_a_list():
    class Numbers(JsonSock[None, list[int], list[int]]):
        def handle_in(self, message):
            return sorted(message)

    with testing.open(Numbers) as session:
        session.receive("[3,1,2]")
        assert session.pushed() == ["[1,2,3]"]


def test_a_text_is_json_too():
    class Texts(JsonSock[None, str, str]):
        def handle_in(self, message):
            return message.upper()

    with testing.open(Texts) as session:
        session.receive('"hi"')
        assert session.pushed() == ['"HI"']


def test_a_class_without_handle_in_takes_no_messages():
    class Pushes(JsonSock[Line, None, Line]): ...

    with testing.open(Pushes) as session:
        session.receive(JSON)
        assert session.code == 1003


def test_a_wrapper_sees_the_json_in_both_directions():
    seen = []

    class Log(Wrapper):
        def incoming(self, message):
            seen.append(message)
            return message

        def outgoing(self, message):
            seen.append(message)
            return message

    with testing.open(around(Routes({"/": Echo}), Log)) as session:
        session.receive(JSON)
        session.info(ADA)
        assert session.pushed() == [JSON, JSON]
        assert seen == [JSON, JSON, JSON]
        session.receive("7")
        assert session.code == 1007


def test_a_wrapper_without_eyes_leaves_a_typed_handler_as_it_is():
    with testing.open(around(Application(Echo), Wrapper)) as session:
        session.receive(JSON)
        assert session.pushed() == [JSON]


@dataclass
class Holder:
    of: "Further"


class Early(JsonSock[None, Holder, Holder]):
    def handle_in(self, message):
        return message


@dataclass
class Further:
    x: int


def test_a_type_that_is_defined_after_the_class_is_found_at_the_first_connection():
    with testing.open(Early) as session:
        session.receive('{"of":{"x":1}}')
        assert session.pushed() == ['{"of":{"x":1}}']


def test_a_type_that_json_cannot_tell_apart_is_refused_when_the_class_is_made():
    with pytest.raises(TypeError, match="union"):

        class Twice(JsonSock[None, Line | Early, Line]): ...

    with pytest.raises(TypeError, match="union"):

        class Structs(JsonSock[None, Line | NoTag, Line]): ...


class NoTag(msgspec.Struct):
    a: int


def test_encode_refuses_what_is_not_of_the_type():
    assert Echo.encode(ADA) == Text(JSON.encode())
    with pytest.raises(TypeError, match="'int' is not Line"):
        Echo.encode(7)


def test_a_handler_keeps_its_own_init_and_ref():
    class Late(JsonSock[Line, Line, Line]):
        def __init__(self, request: Request) -> None:
            self.path = request.path

        def init(self, ref: Ref[Line]) -> None:
            self.ref = ref

        def handle_in(self, message):
            self.ref.send(Line(self.path, message.text))

    with testing.open(Late, "/room") as session:
        session.receive(JSON)
        assert session.pushed() == ['{"author":"/room","text":"hi"}']


def reject(message):
    raise InvalidMessage("no such room", "$.text")


async def reject_later(message):
    reject(message)


async def reject_between(message):
    yield ADA
    reject(message)


@pytest.mark.parametrize("callback", [None, reject, reject_later, reject_between])
def test_a_mistake_of_the_peer_is_one_line_of_the_log_and_no_failure(callback, caplog):
    class Strict(Echo): ...

    if callback is not None:
        Strict.handle_in = lambda self, message: callback(message)
    sent = JSON if callback else '{"author":7,"text":"my secret"}'
    detail = "$.text: no such room" if callback else "$.author: expected `str`, got `int`"
    caplog.set_level(logging.INFO, "sock")
    with log.subscribed(), testing.open(Strict) as session:
        session.receive(sent)
        assert (session.code, session.detail) == (1007, detail)
    (line,) = [one for one in caplog.records if one.name == "sock"]
    assert (line.levelname, line.exc_info) == ("INFO", None)
    assert detail in line.getMessage()
    assert "secret" not in caplog.text


def test_an_error_of_the_peer_that_handle_invalid_raises_again_keeps_its_code():
    class Again(Echo):
        def handle_invalid(self, error):
            raise error

    with testing.open(Again) as session:
        session.receive('{"author":7}')
        assert (session.code, session.detail) == (1007, "$.author: expected `str`, got `int`")


def test_a_protocol_error_for_an_info_is_a_failure_of_the_handler():
    class Told(Echo):
        def handle_info(self, info):
            raise InvalidMessage("of the program's own")

    with testing.open(Told) as session:
        session.info(None)
        assert session.code == 1011
        assert isinstance(session.error, InvalidMessage)


def test_a_word_of_the_peer_in_the_log_does_not_begin_a_line_of_its_own(caplog):
    class Game(JsonSock[None, Move | Say, None]):
        def handle_in(self, message): ...

    caplog.set_level(logging.INFO, "sock")
    with log.subscribed(), testing.open(Game) as session:
        session.receive(r'{"type":"fly\n2026-01-01 ERROR ü"}')
    assert session.code == 1007
    (line,) = [one for one in caplog.records if one.name == "sock"]
    assert r"invalid value 'fly\n2026-01-01 ERROR ü'" in line.getMessage()
    assert "\n" not in line.getMessage()


class Spawns(JsonSock[None, str, Line]):
    """Spawns a task that raises a Stop with the messages."""

    messages = ()

    def init(self, ref):
        self.ref = ref

    def handle_in(self, message):
        self.ref.spawn(self.end())

    async def end(self):
        raise Stop(4001, "bye", self.messages)


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_messages_of_a_stop_of_a_spawned_task_are_encoded(wrapped):
    seen = []

    class Sees(Wrapper):
        def outgoing(self, message):
            seen.append(message)
            return message

    class Ends(Spawns):
        messages = (ADA, Text(b"1"))

    with testing.open(around(Application(Ends), Sees) if wrapped else Ends) as session:
        session.receive('"go"')
        assert (session.pushed(), session.code, session.detail) == ([JSON, "1"], 4001, "bye")
    assert seen == [JSON, Text(b"1")] * wrapped


def test_a_spawned_stop_whose_messages_cannot_be_sent_ends_with_1011_and_says_so():
    class Ends(Spawns):
        messages = "hi"

    with testing.open(Ends) as session:
        session.receive('"go"')
        assert (session.pushed(), session.code) == ([], 1011)
        assert str(session.error) == (
            "Spawns.spawn sends what it should not: 'str' is not Line;"
            " Text(…) sends JSON that is encoded already"
        ).replace("Spawns", Ends.__qualname__)


@pytest.mark.parametrize("messages", [ADA, [ADA], (Text(b"1"), ADA)])
def test_a_ref_refuses_values_and_says_how_they_are_encoded(messages):
    with testing.open(Echo) as session:
        with pytest.raises(TypeError, match=r"messages=Chat\.encode\(value\)"):
            session.ref.stop(4001, messages=messages)
        session.ref.stop(4001, messages=[Echo.encode(ADA), "as it is"])
        assert (session.pushed(), session.code) == ([JSON, "as it is"], 4001)
