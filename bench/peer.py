"""The servers that are measured: how each is started, and its name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .dialect import PHOENIX, SOCKET_IO, Dialect

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent

REFERENCE: Final = "websockets"
"""The peer to which the tables give ratios: the most used one."""

COMPILED: Final = "from sock import native; print(native.ACTIVE)"
"""A program that prints whether the compiled core of Sock is in use."""


class NotAvailable(Exception):
    """A server cannot be measured on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One server.

    Args:
        name: its name for `--only`.
        distribution: the package whose version the title names; "" for a program of our own.
        script: the file in `peers/`, without `_echo.py`.
        arguments: of the script, after the port.
        title_suffix: stands in the title behind the version.
        named_only: whether it is measured in those columns alone that name it.
        environment: variables for its process, beside those of this one.
        tls: whether it speaks TLS, with the certificate of `certificate.py`.
        workers: how many it says are ready before it is; 0 for a server of one process.
        dialect: how a client speaks to it; None where each payload is a message.
        redis: whether its messages go through a Redis, which `broker.py` starts for it.
    """

    name: str
    distribution: str
    script: str
    arguments: tuple[str, ...] = ()
    title_suffix: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    named_only: bool = False
    tls: bool = False
    workers: int = 0
    dialect: Dialect | None = None
    redis: bool = False

    def command(self, port: int) -> list[str]:
        """Return the command that starts the server."""
        if self.name == "floor":
            return [str(FOLDER / "floor" / "floor"), str(port)]
        script = FOLDER / "peers" / f"{self.script}_echo.py"
        return [sys.executable, str(script), str(port), *self.arguments]

    def title(self) -> str:
        """Return the name of the server with the version that is measured.

        Raises:
            NotAvailable: it is not installed.
        """
        if not self.distribution:
            return self.title_suffix
        try:
            script = re.sub("_(sock|workers|topics)$", "", self.script)
            named = f"{script.replace('_', '.')} {version(self.distribution)}"
        except PackageNotFoundError:
            raise NotAvailable(f"{self.distribution} is not installed") from None
        if self.distribution == "sockpy" and not self.environment:
            named += ", compiled" if compiled() else ", pure (core not built)"
        return named + self.title_suffix


def _topics(
    name: str, how: str, application: str = "Attached", *, workers: int = 0, redis: bool = False
) -> Peer:
    """Return a Sock with topics."""
    arguments = (application, str(workers)) if workers else (application,)
    return Peer(
        name,
        "sockpy",
        "sock_topics",
        arguments,
        f", topics: {how}",
        named_only=True,
        workers=workers,
        redis=redis,
    )


_PEERS: Final = (
    Peer("floor", "", "", title_suffix="the floor, in C"),
    Peer("sock", "sockpy", "sock"),
    Peer(
        "sock-pure",
        "sockpy",
        "sock",
        title_suffix=", pure Python",
        environment={"SOCK_EXTENSION": "0"},
    ),
    Peer("picows", "picows", "picows", title_suffix=", core"),
    Peer("websockets", "websockets", "websockets"),
    Peer("picows-websockets", "picows", "picows_websockets"),
    Peer("aiohttp", "aiohttp", "aiohttp"),
    Peer("socketify", "socketify", "socketify"),
    Peer("tornado", "tornado", "tornado"),
    Peer("uvicorn-sansio", "uvicorn", "uvicorn", ("websockets-sansio",), ", websockets-sansio"),
    Peer("uvicorn-websockets", "uvicorn", "uvicorn", ("websockets",), ", websockets"),
    Peer("uvicorn-wsproto", "uvicorn", "uvicorn", ("wsproto",), ", wsproto"),
    Peer("granian", "granian", "granian", title_suffix=", ASGI"),
    Peer("hypercorn", "hypercorn", "hypercorn"),
    Peer("sock-tls", "sockpy", "sock", title_suffix=", TLS", named_only=True, tls=True),
    Peer("picows-tls", "picows", "picows", title_suffix=", core, TLS", named_only=True, tls=True),
    Peer(
        "uvicorn-tls",
        "uvicorn",
        "uvicorn",
        ("websockets-sansio",),
        ", websockets-sansio, TLS",
        named_only=True,
        tls=True,
    ),
    Peer("sock-1", "sockpy", "sock_workers", ("1",), ", one worker", named_only=True, workers=1),
    Peer("sock-2", "sockpy", "sock_workers", ("2",), ", two workers", named_only=True, workers=2),
    _topics("sock-attach", "attach"),
    _topics("sock-subscribe", "handle_info", "Subscribed"),
    _topics("sock-attach-1", "attach, one worker", workers=1),
    _topics("sock-attach-2", "attach, two workers", workers=2),
    _topics("sock-attach-redis", "attach, over Redis, broadcast_soon", "Soon", redis=True),
    Peer(
        "django-channels",
        "channels",
        "channels",
        title_suffix=", group_send over Redis, uvicorn",
        named_only=True,
        redis=True,
    ),
    Peer(
        "broadcaster",
        "broadcaster",
        "broadcaster",
        title_suffix=", over Redis, uvicorn",
        named_only=True,
        redis=True,
    ),
    Peer("sock-metrics", "sockpy", "sock", ("metrics",), ", metrics on", named_only=True),
    Peer(
        "sock-uvicorn",
        "uvicorn",
        "uvicorn",
        ("sock.adapters.uvicorn:SockProtocol", "asgi_sock"),
        ", Sock, native",
        named_only=True,
    ),
    Peer("sock-aiohttp", "aiohttp", "aiohttp_sock", title_suffix=", Sock, native", named_only=True),
    Peer(
        "flask-sock",
        "flask",
        "flask",
        title_suffix=", flask-sock, gunicorn gthread",
        named_only=True,
    ),
    Peer(
        "sock-flask",
        "flask",
        "flask_sock",
        title_suffix=", Sock, gunicorn gthread",
        named_only=True,
    ),
    Peer("sock-tornado", "tornado", "tornado_sock", title_suffix=", Sock, native", named_only=True),
    Peer(
        "asgi-uvicorn",
        "uvicorn",
        "uvicorn",
        ("websockets-sansio", "asgi_sock"),
        ", websockets-sansio, Sock over ASGI",
        named_only=True,
    ),
    Peer(
        "asgi-granian",
        "granian",
        "granian",
        ("asgi_sock",),
        ", ASGI, Sock over it",
        named_only=True,
    ),
    Peer("sock-channels", "sockpy", "sock_channels", named_only=True, dialect=PHOENIX),
    Peer(
        "sock-channels-redis",
        "sockpy",
        "sock_channels",
        title_suffix=", over Redis",
        named_only=True,
        redis=True,
        dialect=PHOENIX,
    ),
    Peer(
        "socketio",
        "python-socketio",
        "socketio",
        title_suffix=", uvicorn",
        named_only=True,
        dialect=SOCKET_IO,
    ),
)

DEFAULT_PEERS: Final = tuple(peer.name for peer in _PEERS if not peer.named_only)
"""The servers of a column that does not name its own."""

PEERS: Final = {peer.name: peer for peer in _PEERS}
"""All servers by their names, also those that are in some columns only."""

SOCK_ON_OTHER_SERVERS: Final = (
    "sock-uvicorn",
    "sock-aiohttp",
    "sock-tornado",
    "sock-flask",
    "asgi-uvicorn",
    "asgi-granian",
)
"""Sock on servers of other projects."""

_TLS: Final = ("sock-tls", "picows-tls", "uvicorn-tls")

_WORKERS: Final = ("sock-1", "sock-2", "sock-metrics")

_CHANNELS: Final = ("sock-channels", "sock-channels-redis", "socketio")

_TOPICS: Final = tuple(peer.name for peer in _PEERS if peer.script == "sock_topics")

CONTENDERS: Final = frozenset(
    {"floor", "sock", "sock-pure", "picows", "websockets", *_TLS, *_WORKERS, *_CHANNELS, *_TOPICS}
)
"""The servers in the ratios to reach: they are measured more often, and longer."""

ASGI: Final = ("uvicorn-sansio", "uvicorn-websockets", "uvicorn-wsproto", "granian", "hypercorn")


@cache
def compiled() -> bool:
    """Tell whether the server `sock`, as it is started here, has its compiled core."""
    asked = subprocess.run(
        [sys.executable, "-c", COMPILED],
        capture_output=True,
        check=False,
        env=os.environ | PEERS["sock"].environment,
        text=True,
    )
    # A Sock of an old commit, without the switch, is pure.
    return asked.stdout.strip() == "True"
