import copy
import pickle
import typing
from dataclasses import FrozenInstanceError
from http import HTTPStatus

import pytest

import sock
from sock import Options, Refuse, Request, Response, Sock, Upgrade

ANSWERS = [Response, Refuse]
again = pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],  # noqa: S301 - our own
    ids=["copy", "deepcopy", "pickle"],
)


class Echo(Sock):
    def handle_in(self, message):
        return message


def test_a_response_is_200_and_empty_unless_it_is_told():
    assert Response() == Response(200, b"", ())


def test_a_refusal_is_403_and_empty_unless_it_is_told():
    assert Refuse().response == Response(403, b"", ())


@pytest.mark.parametrize("headers", [{"A": "1", "B": "2"}, [("A", "1"), ("B", "2")]])
def test_headers_are_a_mapping_or_pairs_and_kept_as_pairs(headers):
    pairs = (("A", "1"), ("B", "2"))
    assert Response(headers=headers).headers == pairs
    assert Refuse(headers=headers).response.headers == pairs
    assert Upgrade(Echo(Request()), headers=headers).headers == pairs


def test_a_header_may_be_said_twice():
    cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    assert Response(headers=cookies).headers == tuple(cookies)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("status", [200, 204, 302, 404, 503, 599, HTTPStatus.NOT_FOUND])
def test_a_status_is_that_of_a_final_answer(answer, status):
    answer(status)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("status", [0, 100, 101, 199, 600])
def test_a_status_that_is_none_of_an_answer_is_refused(answer, status):
    with pytest.raises(ValueError, match=rf"200 to 599, not {status} \(RFC 9110 §15\)"):
        answer(status)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("status", ["404", "no such room", 404.0, True, None])
def test_a_status_that_is_no_int_is_refused(answer, status):
    with pytest.raises(TypeError, match="a status is an int, not"):
        answer(status)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("body", [None, {"ok": True}, bytearray(b"x")])
def test_a_body_that_is_neither_text_nor_bytes_is_refused(answer, body):
    with pytest.raises(TypeError, match="a body is str or bytes, not"):
        answer(200, body)


@pytest.mark.parametrize("name", ["", "A B", "A:", "Ä", "A\r\nB", "(A)"])
def test_a_header_whose_name_is_no_token_is_refused(name):
    with pytest.raises(ValueError, match=r"no name of a header field \(RFC 9110 §5\.1\)"):
        Response(headers={name: "x"})


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "\x1b[1m", "\x7f"])
def test_a_header_that_would_begin_another_is_refused(value):
    with pytest.raises(ValueError, match=r"'A' carries a control character \(RFC 9110 §5\.5\)"):
        Upgrade(Echo(Request()), headers={"A": value})


@pytest.mark.parametrize("value", ["\ud800", "a\udcff"])
def test_a_header_that_is_no_text_is_refused(value):
    """[S13.10]"""
    for answer in (Response, Refuse, lambda **how: Upgrade(Echo(Request()), **how)):
        with pytest.raises(ValueError, match=r"'A' is no Unicode text \(RFC 9110 §5\.5\)"):
            answer(headers={"A": value})


@pytest.mark.parametrize("value", ["", "a\tb", "a b", "é", "日本"])
def test_a_header_may_carry_what_is_visible_and_blanks(value):
    assert Response(headers={"A": value}).headers == (("A", value),)


@pytest.mark.parametrize(
    "headers",
    ["text/html", {"Retry-After": 5}, [("A",)], [(b"A", b"1")], [("A", "1", "2")], ["A1"]],
)
def test_headers_that_are_no_pairs_of_text_are_refused(headers):
    with pytest.raises(TypeError, match="headers are a mapping or pairs of str, not"):
        Response(headers=headers)


@pytest.mark.parametrize(
    ("response", "shown"),
    [
        (Response(404, "no such room"), "Response(404, 'no such room')"),
        (Response(HTTPStatus.NO_CONTENT), "Response(204, b'')"),
        (Response(200, "x", {"A": "1"}), "Response(200, 'x', (('A', '1'),))"),
    ],
)
def test_a_response_shows_what_it_says(response, shown):
    assert repr(response) == shown


def test_an_answer_matches_by_its_arguments():
    match Response(404, "no such room"):
        case Response(404, body):
            assert body == "no such room"
    match Refuse(401):
        case Refuse(Response(401 as status)):
            assert status == 401
    match Upgrade(Echo(Request()), subprotocol="chat"):
        case Upgrade(Echo() as handler, subprotocol="chat"):
            assert isinstance(handler, Echo)
    assert Upgrade.__match_args__ == ("handler",)


@again
def test_an_answer_can_be_copied_and_pickled(again):
    response = Response(401, "who?", {"WWW-Authenticate": "Basic"})
    assert again(response) == response
    assert again(Refuse(401, "who?", {"WWW-Authenticate": "Basic"})).response == response


def test_an_answer_is_not_changed():
    with pytest.raises(FrozenInstanceError):
        Response().status = 404
    with pytest.raises(FrozenInstanceError):
        Upgrade(Echo(Request())).subprotocol = "chat"


def test_an_upgrade_says_nothing_more_unless_it_is_told():
    handler = Echo(Request())
    upgrade = Upgrade(handler)
    assert upgrade.handler is handler
    assert (upgrade.subprotocol, upgrade.headers, upgrade.options) == (None, (), None)
    assert upgrade == Upgrade(handler)
    assert repr(upgrade) == f"Upgrade({handler!r})"


@pytest.mark.parametrize("subprotocol", ["", "two words", "a,b", "a\r\nb", "ä", 'a"'])
def test_a_subprotocol_that_is_no_token_is_refused(subprotocol):
    with pytest.raises(ValueError, match=r"is no subprotocol \(RFC 6455 §4\.1\)"):
        Upgrade(Echo(Request()), subprotocol=subprotocol)


def test_an_upgrade_takes_limits_of_a_connection():
    options = Options(max_message_size=10, compression=True)
    assert Upgrade(Echo(Request()), options=options).options is options


def test_an_upgrade_refuses_limits_of_the_server():
    with pytest.raises(ValueError, match="drain_timeout, max_connections: of the server"):
        Upgrade(Echo(Request()), options=Options(max_connections=5, drain_timeout=1))


def test_an_upgrade_refuses_a_class_in_place_of_a_handler_and_says_what_was_meant():
    with pytest.raises(TypeError, match=r"takes a Sock, not .*: Echo\(request\)\?"):
        Upgrade(Echo)


def test_an_upgrade_refuses_what_is_no_handler():
    with pytest.raises(TypeError, match=r"takes a Sock, not None$"):
        Upgrade(None)


def test_the_annotations_of_an_answer_can_be_read():
    assert typing.get_type_hints(Response)["status"] is int
    assert typing.get_type_hints(Upgrade)["options"] == Options | None


def test_an_uncaught_refusal_says_its_status():
    assert str(sock.Refuse(401, "who?")) == "(401, 'who?')"


def test_options_that_are_none_are_named():
    with pytest.raises(TypeError, match="options are an Options, not 'dict'"):
        Upgrade(Echo(None), options={"max_message_size": 3})


def test_a_changed_copy_has_the_other_fields():
    """[S20.13]"""
    given = Upgrade(
        Sock(Request()), subprotocol="chat", headers={"A": "1"}, options=Options(max_mailbox=3)
    )
    other = Sock(Request())
    assert given.replace() == given
    assert given.replace(handler=other).handler is other
    assert given.replace(handler=other).replace(handler=given.handler) == given
    changed = given.replace(subprotocol=None, headers={"B": "2"}, options=None)
    assert (changed.subprotocol, changed.headers, changed.options) == (None, (("B", "2"),), None)
    assert given.headers == (("A", "1"),)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"handler": Sock}, TypeError),
        ({"subprotocol": "a b"}, ValueError),
        ({"headers": {"A": "\n"}}, ValueError),
        ({"options": Options(max_connections=3)}, ValueError),
        ({"status": 200}, TypeError),
    ],
)
def test_a_change_is_checked(changes, error):
    with pytest.raises(error):
        Upgrade(Sock(Request())).replace(**changes)
