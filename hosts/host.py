"""The hosts: how each is started, and what it is declared not to do, with the reason."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
BIN: Final = Path(sys.executable).parent
CERTIFICATE: Final = HERE.parent / ".hosts" / "certificate.pem"

_ASGI: Final = {
    "control": "ASGI has no pings and pongs",
    "idle": "the server finds out by itself whether the peer is there",
    "violations": "the server says what code it likes, and may drop what came before",
    "handshake": "the server judges it before the application is asked, by rules of its own",
    "options": "compression and fragments are the server's settings",
}
_UVICORN: Final = {
    **_ASGI,
    "buffer": "a message is taken whole, however large it is",
    "early": "what comes in one piece with the handshake is not read",
    "drain": "it says 1012 at once, and does not wait for what is under way",
}
_HYPERCORN: Final = {
    **_ASGI,
    "detail": "every Close of the peer's is told as 1006 (pgjones/hypercorn#127)",
    "early": "what comes before the 101 is answered with 400 (pgjones/hypercorn#225)",
    "drain": "it waits for three seconds, and what is open is told 1012 at the cut; from Python"
    " 3.12 on it waits until its peers have gone",
}


@dataclass(frozen=True, slots=True)
class Host:
    """A server in a process of its own.

    Args:
        name: of its column.
        distribution: whose version is shown; the first of a column.
        command: with {port}.
        limits: a word of `testing.contract.LIMITS` to why it is a limit here.
        gateway: the version of HTTP that clients reach it by, through a gateway; "" for their own.
        suite: whether the Autobahn suite comes to an end there.
        notes: what else there is to know, such as a public issue.
        advice: a sentence for who chooses a server.
    """

    name: str
    distribution: str
    command: tuple[str, ...]
    limits: dict[str, str] = field(default_factory=dict)
    gateway: str = ""
    suite: bool = True
    notes: str = ""
    advice: str = "All of the contract."

    @property
    def native(self) -> bool:
        """Whether all of the contract must hold."""
        return not self.limits


def _script(name: str) -> tuple[str, ...]:
    return sys.executable, str(HERE / "servers" / name), "{port}"


def _uvicorn(ws: str) -> tuple[str, ...]:
    return (
        *(str(BIN / "uvicorn"), "hosts.application:asgi", "--port", "{port}"),
        *("--ws", ws, "--log-level", "warning", "--timeout-graceful-shutdown", "10"),
    )


def _hypercorn(*arguments: str) -> tuple[str, ...]:
    return str(BIN / "hypercorn"), "hosts.application:asgi", "--log-level", "warning", *arguments


_TLS: Final = ("--certfile", str(CERTIFICATE), "--keyfile", str(CERTIFICATE))

HOSTS: Final = (
    Host(
        "sock",
        "sockpy",
        _script("own.py"),
        advice="All of the contract; what `sock run` takes for an application of Sock's own.",
    ),
    Host(
        "uvicorn, native",
        "uvicorn",
        _uvicorn("sock.adapters.uvicorn:SockProtocol"),
        advice="All of the contract; what `sock run` takes for an ASGI application.",
    ),
    Host("aiohttp", "aiohttp", _script("aiohttp_server.py")),
    Host("Tornado", "tornado", _script("tornado_server.py")),
    Host(
        "websockets",
        "websockets",
        _script("websockets_server.py"),
        {
            "control": "pings can be sent, the peer's are not told",
            "close": "a Close is answered when the messages before it were received",
            "violations": "it says the code by itself, and drops what came before",
            "handshake": "it answers some of what is no valid handshake with another status, or"
            " accepts it",
            "options": "compression and fragments are settings of its own",
        },
        advice="Nearly all, for a program that is on websockets already; a handler sees no pings.",
    ),
    Host(
        "uvicorn, websockets-sansio",
        "uvicorn",
        _uvicorn("websockets-sansio"),
        {**_UVICORN, "close": "a peer that does not answer its Close is not cut"},
        advice="Without need: the same uvicorn does everything with Sock's protocol.",
    ),
    Host(
        "uvicorn, websockets",
        "uvicorn",
        _uvicorn("websockets"),
        {
            **_UVICORN,
            "text": "a field that is no ASCII is answered with 500, and sent as UTF-8 of UTF-8: the"
            " legacy server of websockets does not read and write Latin-1, as uvicorn expects",
        },
        advice="Without need: the same uvicorn does everything with Sock's protocol.",
    ),
    Host(
        "uvicorn, wsproto",
        "uvicorn",
        _uvicorn("wsproto"),
        {
            **_UVICORN,
            "close": "a peer that does not answer its Close is not cut",
            "detail": "a Close of the peer's with 1014 is taken for a fault of the peer's",
        },
        advice="Without need: the same uvicorn does everything with Sock's protocol.",
    ),
    Host(
        "hypercorn, HTTP/1.1",
        "hypercorn",
        _hypercorn("--bind", "127.0.0.1:{port}"),
        _HYPERCORN,
        advice="Good for messages; why a peer has gone is not told.",
    ),
    Host(
        "hypercorn, HTTP/2",
        "hypercorn",
        _hypercorn("--bind", "127.0.0.1:{port}"),
        {
            **_HYPERCORN,
            "buffer": "everything is taken at once",
            "pressure": "everything is taken from a handler at once",
            "close": "the stream stays open after the Close",
            "ends": "the end of a stream without a Close is not told",
        },
        gateway="2",
        suite=False,
        advice="Where it must be HTTP/2; nothing holds a handler back whose peer is slow.",
        notes="The Autobahn suite waits after each case for the end of TCP, or of its stream;"
        " hypercorn leaves the stream open.",
    ),
    Host(
        "hypercorn, HTTP/3",
        "hypercorn",
        _hypercorn("--quic-bind", "127.0.0.1:{port}", "--bind", "127.0.0.1:0", *_TLS),
        {
            **_HYPERCORN,
            "close": "the stream stays open after the Close",
            "ends": "the end of a stream without a Close is not told",
            "buffer": "everything is taken at once",
            "pressure": "everything that comes is read",
            "farewell": "the peer's Close is answered, and not told to the application",
        },
        gateway="3",
        suite=False,
        advice="To try HTTP/3; not for a service.",
        notes="After the peer's answer to a Close of the server's, hypercorn 0.18 serves nobody"
        " over HTTP/3 any more (over HTTP/2: pgjones/hypercorn#329); the gateway leaves that answer"
        " out.",
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
            "detail": "no detail is told, nor that there was no code",
            "headers": "the application's headers are not on the 101",
            "drain": "it waits for no connection, and says nothing to the peers",
        },
        notes="Behind a handshake that granian 2.8 refuses by itself, it reads on: what follows is"
        " a request to it.",
        advice="Good for messages; no headers on the 101, no orderly stop.",
    ),
    Host(
        "daphne",
        "daphne",
        (str(BIN / "daphne"), "--port", "{port}", "--verbosity", "0", "hosts.application:asgi"),
        {
            **_ASGI,
            "buffer": "everything is taken at once",
            "close": "TCP ends in a reset; a Close without a code is answered with 1000",
            "detail": "no detail is told, nor said",
            "pressure": "everything that comes is read",
            "responses": "every refusal is a 403",
            "headers": "the application's headers are not on the 101 (django/daphne#326)",
            "codes": "other codes than 1000, 1011 and 3000 to 4999 cannot be said; 1011 is",
            "empty": "empty messages are dropped",
            "early": "what comes in one piece with the handshake is not read",
            "drain": "it cancels its applications at once; they cannot say 1012",
        },
        advice="Only where it is there already: no status but 403, no empty messages, few codes.",
    ),
)
