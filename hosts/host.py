"""The hosts: the command that starts each, and its declared limits with their reasons."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sock.testing import contract

HERE: Final = Path(__file__).parent
BIN: Final = Path(sys.executable).parent
CERTIFICATE: Final = HERE.parent / ".hosts" / "certificate.pem"

_HEADS: Final = {"heads": "the server reads the heads of requests by rules and limits of its own"}
_IN_A_ROUTE: Final = {
    **_HEADS,
    "lifespan": "a route is told of no start and no stop: the program enters the lifespan",
}
_WSGI: Final = {
    **_HEADS,
    "fields": "WSGI joins the fields of one name",
}
_ASGI: Final = {
    **_HEADS,
    "control": "ASGI has no pings and pongs",
    "idle": "the server decides by itself whether the peer is alive",
    "leaving": "some servers tell of a peer that has left only after `init`",
    "violations": "the server chooses the code, and may drop the messages before the violation",
    "handshake": "the server judges it by rules of its own, before the application is asked",
    "options": "compression and fragments are settings of the server",
    "writes": "the server decides when bytes leave, and sends each message by itself",
}
_UVICORN: Final = {
    **_ASGI,
    "buffer": "the server takes a message whole, however large it is",
    "early": "the server does not read the bytes that arrive in one piece with the handshake",
    "drain": "the server sends 1012 at once, and does not wait for the work under way",
}
_HYPERCORN: Final = {
    **_ASGI,
    "detail": "the server reports every Close of the peer's as 1006 (pgjones/hypercorn#127)",
    "early": "the server answers bytes before the 101 with 400 (pgjones/hypercorn#225)",
    "drain": (
        "the server waits for three seconds, and sends 1012 to open connections when it"
        " cuts them; from Python 3.12 on it waits until its peers have left"
    ),
}


@dataclass(frozen=True, slots=True)
class Host:
    """A server in a process of its own.

    Args:
        name: the name of its row.
        distribution: the package whose version is shown.
        command: starts it; "{port}" stands for its port.
        limits: its declared limits, words of `testing.contract.LIMITS`, each with its reason.
        gateway: "2" or "3" for a host that clients reach through a gateway to that version of HTTP;
            "" for a host that they reach directly.
        suite: whether the Autobahn suite comes to an end with this host.
        takeover: whether it gives its sockets away, whatever it does before that.
        notes: more about the host, such as a public issue.
        advice: a sentence for readers who choose a server.
    """

    name: str
    distribution: str
    command: tuple[str, ...]
    limits: dict[str, str] = field(default_factory=dict)
    gateway: str = ""
    suite: bool = True
    notes: str = ""
    takeover: bool = False
    advice: str = "The whole contract."

    @property
    def native(self) -> bool:
        """Whether all must hold of a connection, once there is one."""
        return self.takeover or set(self.limits) <= set(_IN_A_ROUTE)


def _script(name: str) -> tuple[str, ...]:
    return sys.executable, str(HERE / "servers" / name), "{port}"


def _uvicorn(ws: str) -> tuple[str, ...]:
    return (
        *(str(BIN / "uvicorn"), "hosts.application:asgi", "--port", "{port}"),
        *(
            "--ws",
            ws,
            "--log-level",
            "warning",
            "--timeout-graceful-shutdown",
            str(math.ceil(contract.DRAIN_BOUND)),
        ),
    )


def _hypercorn(*arguments: str) -> tuple[str, ...]:
    return str(BIN / "hypercorn"), "hosts.application:asgi", "--log-level", "warning", *arguments


def _gunicorn(*arguments: str) -> tuple[str, ...]:
    return (
        *(str(BIN / "gunicorn"), "--bind", "127.0.0.1:{port}", "--no-control-socket"),
        *("--log-level", "warning", "--chdir", str(HERE / "servers"), *arguments),
        "flask_server:app",
    )


_TLS: Final = ("--certfile", str(CERTIFICATE), "--keyfile", str(CERTIFICATE))

HOSTS: Final = (
    Host(
        "sock",
        "sockpy",
        _script("own.py"),
        advice="The whole contract. `sock run` uses it for an application of Sock's own.",
    ),
    Host(
        "uvicorn, native",
        "uvicorn",
        _uvicorn("sock.adapters.uvicorn:SockProtocol"),
        _HEADS,
        advice="The whole contract. `sock run` uses it for an ASGI application.",
    ),
    Host("aiohttp", "aiohttp", _script("aiohttp_server.py"), _IN_A_ROUTE),
    Host("Tornado", "tornado", _script("tornado_server.py"), _IN_A_ROUTE),
    Host(
        "Flask, gunicorn gthread",
        "gunicorn",
        # A peer that has sent half a head keeps a thread, and many cases are tried at a time.
        _gunicorn("--threads", "64"),
        _WSGI,
        takeover=True,
        advice="The whole contract, for any WSGI application. It answers many requests at a time.",
    ),
    Host(
        "Flask, gunicorn sync",
        "gunicorn",
        _gunicorn(),
        {
            **_WSGI,
            "handshake": (
                "the worker reads one request at a time: while a peer sends its head slowly, nobody"
                " else is answered"
            ),
            "requests": (
                "the worker reads one request at a time: while a peer sends its body slowly, nobody"
                " else is answered"
            ),
        },
        takeover=True,
        advice=(
            "The whole contract of a connection. gunicorn wants a proxy in front of this worker,"
            " which collects slow requests."
        ),
    ),
    Host(
        "Flask, werkzeug",
        "werkzeug",
        _script("flask_server.py"),
        {
            **_WSGI,
            "handshake": "the server takes heads that are no HTTP, and changes some fields",
        },
        takeover=True,
        advice="The whole contract of a connection, on Flask's server for development.",
    ),
    Host(
        "websockets",
        "websockets",
        _script("websockets_server.py"),
        {
            **_IN_A_ROUTE,
            "requests": "the server refuses every request with a body",
            "control": "a handler can send pings, but is not told of the peer's",
            "received": "the server tells of messages and pongs, and not of unfinished frames",
            "close": (
                "the server answers a Close only when the messages before it have been received"
            ),
            "violations": (
                "the server sends the code by itself, and drops the messages before the violation"
            ),
            "handshake": (
                "the server answers some invalid handshakes with another status, and accepts others"
            ),
            "options": "compression and fragments are settings of the server",
            "writes": "the server sends each message by itself",
        },
        advice=(
            "Nearly the whole contract, for a program that uses websockets already. A"
            " handler sees no pings."
        ),
    ),
    Host(
        "uvicorn, websockets-sansio",
        "uvicorn",
        _uvicorn("websockets-sansio"),
        {**_UVICORN, "close": "the server does not cut a peer that does not answer its Close"},
        advice=(
            "There is no need for it: with Sock's protocol, the same uvicorn keeps the"
            " whole contract."
        ),
    ),
    Host(
        "uvicorn, websockets",
        "uvicorn",
        _uvicorn("websockets"),
        {
            **_UVICORN,
            "text": (
                "the server answers a field that is not ASCII with 500, and sends such a field"
                " encoded twice: the legacy server of websockets does not read and write"
                " Latin-1, as uvicorn expects"
            ),
        },
        advice=(
            "There is no need for it: with Sock's protocol, the same uvicorn keeps the"
            " whole contract."
        ),
    ),
    Host(
        "uvicorn, wsproto",
        "uvicorn",
        _uvicorn("wsproto"),
        {
            **_UVICORN,
            "close": "the server does not cut a peer that does not answer its Close",
            "detail": "the server takes a Close with 1014 for an error of the peer's",
        },
        advice=(
            "There is no need for it: with Sock's protocol, the same uvicorn keeps the"
            " whole contract."
        ),
    ),
    Host(
        "hypercorn, HTTP/1.1",
        "hypercorn",
        _hypercorn("--bind", "127.0.0.1:{port}"),
        _HYPERCORN,
        advice="It is good for messages. A handler is not told why a peer has left.",
    ),
    Host(
        "hypercorn, HTTP/2",
        "hypercorn",
        _hypercorn("--bind", "127.0.0.1:{port}"),
        {
            **_HYPERCORN,
            "requests": "the gateway carries no ordinary requests",
            "buffer": "the server takes everything at once",
            "pressure": "the server takes everything from a handler at once",
            "close": "the stream stays open after the Close",
            "ends": "the server does not tell the end of a stream without a Close",
        },
        gateway="2",
        suite=False,
        advice=("For programs that need HTTP/2. Nothing holds back a handler whose peer is slow."),
        notes=(
            "The Autobahn suite waits after each case for the end of TCP or of its stream,"
            " and hypercorn leaves the stream open."
        ),
    ),
    Host(
        "hypercorn, HTTP/3",
        "hypercorn",
        _hypercorn("--quic-bind", "127.0.0.1:{port}", "--bind", "127.0.0.1:0", *_TLS),
        {
            **_HYPERCORN,
            "requests": "the gateway carries no ordinary requests",
            "close": "the stream stays open after the Close",
            "ends": "the server does not tell the end of a stream without a Close",
            "buffer": "the server takes everything at once",
            "pressure": "the server reads everything that arrives",
            "farewell": (
                "the server answers the peer's Close, but does not tell the application of it"
            ),
        },
        gateway="3",
        suite=False,
        advice="To try HTTP/3, and not for a service.",
        notes=(
            "When a peer has answered the server's Close, hypercorn 0.18 serves no more"
            " peers over HTTP/3 (over HTTP/2: pgjones/hypercorn#329). The gateway leaves"
            " that answer out."
        ),
    ),
    Host(
        "granian",
        "granian",
        (
            *(str(BIN / "granian"), "--interface", "asgi", "--port", "{port}"),
            *("--log-level", "warning", "hosts.application:asgi"),
        ),
        {
            **_ASGI,
            "close": "TCP may end in a reset",
            "detail": "the server does not tell the detail, nor that there was no code",
            "headers": "the server leaves the application's headers out of the 101",
            "drain": "the server waits for no connection, and sends nothing to the peers",
        },
        notes=(
            "granian 2.8 goes on reading behind a handshake that it has refused by itself,"
            " and takes the bytes for a request."
        ),
        advice="It is good for messages. It has no headers on the 101 and no orderly stop.",
    ),
    Host(
        "daphne",
        "daphne",
        (str(BIN / "daphne"), "--port", "{port}", "--verbosity", "0", "hosts.application:asgi"),
        {
            **_ASGI,
            "fields": "the server joins the fields of one name",
            "lifespan": "the server does not speak ASGI's lifespan protocol",
            "buffer": "the server takes everything at once",
            "close": "TCP ends in a reset; the server answers a Close without a code with 1000",
            "detail": "the server neither tells nor sends a detail",
            "pressure": "the server reads everything that arrives",
            "responses": "every refusal is a 403",
            "headers": (
                "the server leaves the application's headers out of the 101 (django/daphne#326)"
            ),
            "codes": (
                "only 1000, 1011 and 3000 to 4999 can be sent; 1011 is sent in the place of any"
                " other code"
            ),
            "empty": "the server drops empty messages",
            "early": _UVICORN["early"],
            "drain": "the server cancels its applications at once, so that they cannot send 1012",
        },
        advice=(
            "Only for programs that use it already: it has no status but 403, no empty"
            " messages and few codes."
        ),
    ),
)
