"""Accepting and refusing over ASGI: the limits that are declared, and that each is told once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sock import Options, Ping, Pong, Remote, Response, Sock, Upgrade, testing
from sock.adapters import asgi
from sock.adapters.asgi import admission
from sock.hosting import limit

ROOT = Path(__file__).parents[3]
APPENDIX = (ROOT / "docs" / "reference" / "specification.md").read_text().split("## Appendix B")[1]


def allowed():
    """Return the statements that appendix B lets a host declare."""
    found = set()
    for first, last in re.findall(r"(S\d+\.\d+)(?: to (S\d+\.\d+))?", APPENDIX):
        section, number = first[1:].split(".")
        end = int(last.split(".")[1]) if last else int(number)
        found |= {f"S{section}.{one}" for one in range(int(number), end + 1)}
    return found


@pytest.mark.parametrize("declared", [*asgi.LIMITS, asgi.REFUSAL], ids=lambda one: one.name)
def test_what_is_declared_may_be_declared(declared):
    assert set(declared.statements) <= allowed()
    assert declared.instead


class Plain(Sock):
    pass


class Controls(Sock):
    def handle_control(self, frame):
        pass


@pytest.fixture(autouse=True)
def _forget_what_was_told(monkeypatch):
    monkeypatch.setattr(limit, "_reported", set())


def told(events):
    return [(fields["handler"], fields["needed"]) for name, fields in events if "limited" in name]


def test_what_an_application_needs_is_told_once_for_each_class(events):
    request = testing.request()
    for handler, options in (
        (Plain(request), Options()),
        (Controls(request), Options()),
        (Controls(request), Options()),
        (Plain(request), Options(idle_timeout=5, max_mailbox=3)),
        (Plain(request), Options(compression=True)),
        (Plain(request), Options(compression=False, idle_timeout=None)),
    ):
        limit.report_needed("a server", asgi.LIMITS, handler, options, request)
    assert told(events) == [
        ("Controls", "handle_control"),
        ("Plain", "idle_timeout"),
        ("Plain", "compression"),
    ]


def test_a_refusal_that_cannot_be_said_is_told(events, run_async):
    sent = []

    async def send(event):
        sent.append(event)

    async def act():
        request = testing.request()
        await admission.deny({}, request, Response(401), send)
        await admission.deny({}, request, Response(403), send)
        await admission.deny({"extensions": None}, request, Response(401), send)

    run_async(act())
    assert sent == [{"type": "websocket.close"}] * 3
    assert told(events) == [("Response", "status 401")]


def test_what_is_pushed_and_cannot_be_sent_is_told_once(events, run_async):
    class Pings(Sock):
        def handle_in(self, message):
            return [Ping(), Pong()]

    class Server:
        passes_control_frames = False

        def __init__(self):
            self.told = ["one", "two", Remote(1000)]

        async def receive(self):
            return self.told.pop(0)

    async def act():
        request = testing.request()
        upgrade = Upgrade(Pings(request))
        await admission.run_bridge(Server(), request, upgrade, Options())

    run_async(act())
    [(handler, needed)] = told(events)
    assert handler.endswith("Pings")
    assert needed == "Ping"
