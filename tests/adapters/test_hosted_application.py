"""An application that another server hosts."""

from __future__ import annotations

import pytest

from sock import HandshakeError, Refuse, Response, Sock, Stop, Upgrade, testing
from sock.adapters import hosted_application
from sock.hosting import asking


class Echo(Sock):
    pass


def asked(run_async, app, *, upgrading=True, check=lambda: None, **request):
    application = hosted_application.HostedApplication(app, None)
    made = testing.request(**request)
    return run_async(application.ask(made, check, upgrading=upgrading))


async def later(request):
    return Echo(request)


def raising(error):
    def app(request):
        raise error

    return app


@pytest.mark.parametrize("app", [Echo, later, lambda request: Upgrade(Echo(request))])
def test_an_application_answers_with_an_upgrade(run_async, app):
    assert isinstance(asked(run_async, app), Upgrade)


@pytest.mark.parametrize(
    ("app", "options", "status"),
    [
        (Echo, {"upgrading": False}, 426),
        (later, {"upgrading": False}, 426),
        (lambda _: Response(204), {"upgrading": False}, 204),
        (raising(Refuse(401)), {}, 401),
        (raising(LookupError()), {}, 500),
        (lambda _: 7, {}, 500),
        (Echo, {"headers": {"Origin": "https://evil.example"}}, 403),
        (Echo, {"check": lambda: (_ for _ in ()).throw(HandshakeError(400, "bad"))}, 400),
    ],
)
def test_or_it_is_answered_in_its_place(run_async, app, options, status):
    answer = asked(run_async, app, **options)
    assert isinstance(answer, Response)
    assert answer.status == status


def test_another_event_loop_is_one_clear_error():
    async def act():
        return hosted_application.running_loop()

    with pytest.raises(RuntimeError, match="hypercorn has `--worker-class asyncio`"):
        act().send(None)


def test_drain_has_nothing_to_do_without_connections(run_async):
    assert run_async(hosted_application.drain(1)) == 0


def test_a_stop_raised_in_the_handshake_is_a_500_and_what_is_told_names_refuse(events):
    """[S6.9]"""
    assert asking.failed(testing.request(), Stop(4001)).status == 500
    [(event, fields)] = events
    assert event == "handshake.failed"
    assert "raise Refuse there" in str(fields["error"])
