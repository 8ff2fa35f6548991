"""Requests out of bytes: any split gives the same, and what RFC 9112 forbids is refused."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock.server.head import BadRequest
from sock.server.reader import Reader

MAX_BODY = 64 * 1024
PLAIN = b"GET /rooms/7?name=ada HTTP/1.1\r\nHost: example.com\r\nX-A:  b \t\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = CHUNKED_HEAD + b"5;x=y\r\nhel\nl\r\n1\r\n\n\r\n0\r\nHost: evil\r\nX-Trailer: x\r\n\r\n"
UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def read_all(data, *, max_head_size=16384):
    """Return the requests, the rest, and the refusal, of bytes that come as given in pieces."""
    reader = Reader(max_head_size, MAX_BODY)
    requests = []
    try:
        for piece in data:
            reader.feed(piece)
            while (request := reader.next()) is not None or reader.unfinished:
                if request is None:
                    continue
                head = request.method, request.target, tuple(request.raw_headers)
                requests.append((*head, request.body, reader.keep_alive))
                if not reader.keep_alive:
                    break
    except BadRequest as refused:
        return requests, refused.status
    return requests, None


def refusal(data, **limits):
    reader = Reader(limits.get("max_head_size", 16384), MAX_BODY)
    reader.feed(data)
    with pytest.raises(BadRequest) as caught:
        while reader.next() is not None or reader.unfinished:
            pass
    return caught.value.status, caught.value.detail


def test_a_request_has_its_method_target_headers_and_version():
    reader = Reader(
        1024, MAX_BODY, SimpleNamespace(client=("127.0.0.1", 1), server=("127.0.0.1", 2), tls=None)
    )
    reader.feed(PLAIN)
    request = reader.next()
    assert (request.method, request.target, request.http_version) == (
        "GET",
        "/rooms/7?name=ada",
        "1.1",
    )
    assert request.raw_headers == [(b"Host", b"example.com"), (b"X-A", b"b")]
    assert (request.client, request.server) == (("127.0.0.1", 1), ("127.0.0.1", 2))
    assert reader.next() is None


@given(
    st.lists(st.sampled_from([PLAIN, POST, CHUNKED, b"\r\n" + PLAIN]), min_size=1, max_size=4),
    st.lists(st.integers(0, 600), max_size=12),
)
def test_any_split_of_the_same_bytes_gives_the_same_requests(messages, cuts):
    data = b"".join(messages)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    whole, refused = read_all([data])
    assert refused is None
    assert len(whole) == len(messages)
    assert read_all(pieces) == (whole, None)
    assert read_all([data[i : i + 1] for i in range(len(data))]) == (whole, None)


@given(st.binary(max_size=200), st.sampled_from([b"", PLAIN, POST[:-3], CHUNKED[:-9]]))
def test_no_bytes_raise_anything_but_a_bad_request(data, before):
    read_all([before + data])
    read_all([before, data])


def test_trailers_are_no_headers_rfc_9110_6_5():
    requests, refused = read_all([CHUNKED])
    assert refused is None
    assert requests[0][2] == ((b"Host", b"a"), (b"Transfer-Encoding", b"chunked"))


def test_what_comes_behind_an_upgrade_is_kept():
    reader = Reader(1024, MAX_BODY)
    reader.feed(UPGRADE + b"\x81\x80mask")
    assert reader.next().target == "/chat"
    assert reader.take_rest() == b"\x81\x80mask"


def test_what_comes_behind_an_upgrade_in_pieces_is_kept():
    reader = Reader(1024, MAX_BODY)
    for at in range(len(UPGRADE)):
        assert reader.next() is None
        reader.feed(UPGRADE[at : at + 1])
    assert reader.next().target == "/chat"
    reader.feed(b"\x81\x80")
    reader.feed(b"mask")
    assert reader.take_rest() == b"\x81\x80mask"


def test_empty_lines_before_a_request_are_dropped_rfc_9112_2_2():
    requests, refused = read_all([b"\r\n\r\n" + PLAIN + b"\r\n" + PLAIN])
    assert (len(requests), refused) == (2, None)


def test_a_head_over_the_limit_is_refused_rfc_6585_5():
    head = b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n"
    exact = head % (b"x" * (1024 - len(head) + 2))
    assert len(exact) == 1024
    assert read_all([exact], max_head_size=1024)[1] is None
    longer = head % (b"x" * (1025 - len(head) + 2))
    assert refusal(longer, max_head_size=1024)[0] == 431
    assert refusal(longer[:1025], max_head_size=1024)[0] == 431


def test_empty_lines_count_as_a_head():
    assert refusal(b"\r\n" * 513, max_head_size=1024)[0] == 431


def test_empty_lines_count_however_they_are_cut():
    reader = Reader(64, MAX_BODY)
    reader.feed(b"\r")
    with pytest.raises(BadRequest) as caught:
        for _ in range(64):
            assert reader.next() is None
            reader.feed(b"\n\r")
    assert caught.value.status == 431


def test_a_part_of_a_head_that_cannot_become_one_is_refused_at_once():
    reader = Reader(1024, MAX_BODY)
    reader.feed(b"GET / HTTP/1.1\r\nHost : ")
    with pytest.raises(BadRequest):
        reader.next()


def test_a_body_is_given_with_its_request_and_the_next_request_is_read():
    requests, refused = read_all([POST + CHUNKED + PLAIN])
    assert refused is None
    assert [(target, body) for _, target, _, body, _ in requests] == [
        ("/", b"hello"),
        ("/", b"hel\nl\n"),
        ("/rooms/7?name=ada", b""),
    ]


def test_a_body_over_the_limit_is_refused_by_its_length_rfc_9110_15_5_14():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    assert refusal(head % (MAX_BODY + 1))[0] == 413
    assert read_all([head % MAX_BODY, b"x" * MAX_BODY])[1] is None


@pytest.mark.parametrize(
    "chunk", [b"1\r\nx\r\n", b"400\r\n" + b"\n" * 1024 + b"\r\n", b"1;" + b"e" * 500 + b"\r\nx\r\n"]
)
def test_a_chunked_body_over_the_limit_is_refused_its_framing_counted(chunk):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert refusal(head + chunk * (MAX_BODY * 2 // len(chunk)))[0] == 413


def test_a_chunked_body_of_the_limit_is_taken_in_chunks_of_any_size():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for size in (16, 1024, MAX_BODY):
        chunk = b"%x\r\n" % size + b"\n" * size + b"\r\n"
        requests, refused = read_all([head + chunk * (MAX_BODY // size) + b"0\r\n\r\n"])
        assert (requests[0][3], refused) == (b"\n" * MAX_BODY, None)


def test_a_body_of_tiny_chunks_is_read_a_part_a_call():
    reader = Reader(1024, MAX_BODY)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader.feed(head + b"1\r\nx\r\n" * 400 + b"0\r\n\r\n")
    calls = 1
    while (request := reader.next()) is None:
        assert reader.unfinished
        calls += 1
    assert not reader.unfinished
    assert request.body == b"x" * 400
    assert calls > 5


def test_a_trailer_over_the_limit_is_refused():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    assert refusal(head + b"X: y\r\n" * (MAX_BODY // 6 + 1))[0] == 413


@pytest.mark.parametrize(
    ("fields", "keeps"),
    [
        (b"1.1\r\nHost: a\r\n", True),
        (b"1.1\r\nHost: a\r\nConnection: close\r\n", False),
        (b"1.1\r\nHost: a\r\nConnection: x, Close\r\n", False),
        (b"1.0\r\n", False),
        (b"1.0\r\nConnection: keep-alive\r\n", True),
        (b"1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", False),
    ],
)
def test_whether_another_request_may_follow_rfc_9112_9_3(fields, keeps):
    reader = Reader(1024, MAX_BODY)
    reader.feed(b"GET / HTTP/" + fields + b"\r\n")
    assert reader.next() is not None
    assert reader.keep_alive is keeps


def test_an_expectation_is_told_while_the_body_is_awaited_rfc_9110_10_1_1():
    reader = Reader(1024, MAX_BODY)
    reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n")
    assert reader.next() is None
    assert reader.expects_continue
    reader.feed(b"he")
    assert reader.next() is None
    assert not reader.expects_continue
    reader.feed(b"llo")
    assert reader.next() is not None


def test_an_expectation_in_http_1_0_is_ignored_rfc_9110_10_1_1():
    reader = Reader(1024, MAX_BODY)
    reader.feed(b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert reader.next() is None
    assert not reader.expects_continue


def test_begun_tells_whether_a_request_has_come_in_part():
    reader = Reader(1024, MAX_BODY)
    assert not reader.begun
    for at in range(len(POST)):
        reader.feed(POST[at : at + 1])
        if at < len(POST) - 1:
            assert reader.next() is None
            assert reader.begun
    assert reader.next() is not None
    assert not reader.begun
