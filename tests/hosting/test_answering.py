"""From a request to its 101 or its response, for a host with frames of its own."""

from __future__ import annotations

import asyncio

import pytest

from sock import Options, Refuse, Response, Sock, Upgrade, testing
from sock.hosting.answering import Accepted, answer_request
from sock.hosting.members import Members


class Echo(Sock):
    def handle_in(self, message):
        return message


def raises(request):
    raise LookupError


def refuses(request):
    raise Refuse(402, "pay")


def chooses(request):
    return Upgrade(Echo(request), subprotocol="b", options=Options(idle_timeout=5))


def test_an_upgrade_is_accepted_with_its_options_and_the_head_of_the_101(run_async):
    request = testing.request(subprotocols=["a", "b"])
    answer = run_async(answer_request(chooses, request, Options(max_mailbox=7)))
    assert isinstance(answer, Accepted)
    assert isinstance(answer.upgrade.handler, Echo)
    assert (answer.options.idle_timeout, answer.options.max_mailbox) == (5, 7)
    assert answer.head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Protocol: b\r\n" in answer.head
    assert answer.agreement is None


def compresses(request):
    return Upgrade(Echo(request), options=Options(compression=True))


OFFERS = {"Sec-WebSocket-Extensions": "permessage-deflate"}


@pytest.mark.parametrize("app", [Echo, compresses])
def test_a_host_that_does_not_compress_agrees_on_no_compression(run_async, app):
    able, unable = (
        run_async(answer_request(app, testing.request(headers=OFFERS), base, compresses=able))
        for base, able in ((Options(compression=True), True), (Options(compression=True), False))
    )
    assert b"permessage-deflate" in able.head
    assert able.agreement is not None
    assert b"Sec-WebSocket-Extensions" not in unable.head
    assert unable.agreement is None
    assert unable.options.compression is not None  # `report_needed` can tell that it was wanted


@pytest.mark.parametrize(
    ("app", "asked", "status"),
    [
        (Echo, {"headers": {"Sec-WebSocket-Version": "8"}}, 426),
        (Echo, {"headers": {"Origin": "https://evil.example"}}, 403),
        (Echo, {"upgrade": False}, 426),
        (lambda request: Response(204), {}, 204),
        (refuses, {}, 402),
        (raises, {}, 500),
        (lambda request: 7, {}, 500),
        (chooses, {}, 500),  # "b" was not offered
    ],
)
def test_everything_else_has_a_response(run_async, app, asked, status):
    answer = run_async(answer_request(app, testing.request(**asked), Options()))
    assert isinstance(answer, Response)
    assert answer.status == status


def test_a_host_that_is_stopping_accepts_nothing(run_async):
    async def act():
        Members.of(asyncio.get_running_loop()).draining = True
        return await answer_request(Echo, testing.request(), Options())

    assert run_async(act()).status == 503
