"""Who is measured: the servers, what starts each of them, and what they are called."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).parent

REFERENCE: Final = "websockets"
"""The peer that the tables' ratios are taken against: the most used one."""

COMPILED: Final = "from sock import native; print(native.ACTIVE)"
"""Asks Sock, in a process like the server's, whether its compiled core is in use."""


class NotHere(Exception):
    """A server cannot be measured on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One server.

    Args:
        name: what `--only` calls it.
        distribution: the package whose version is measured; "" for a program of our own.
        script: the file in `peers/`, without `_echo.py`.
        arguments: of the script, after the port.
        by: what the title says after the version.
        beside: it is in the columns of `hosts` alone.
        environment: what is set for its process, over our own environment.
    """

    name: str
    distribution: str
    script: str
    arguments: tuple[str, ...] = ()
    by: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    beside: bool = False

    def command(self, port: int) -> list[str]:
        """What starts the server."""
        if self.name == "floor":
            return [str(FOLDER / "floor" / "floor"), str(port)]
        script = FOLDER / "peers" / f"{self.script}_echo.py"
        return [sys.executable, str(script), str(port), *self.arguments]

    def title(self) -> str:
        """Name the server with the version that is measured.

        Raises:
            NotHere: it is not installed.
        """
        if not self.distribution:
            return self.by
        try:
            script = self.script.removesuffix("_sock")
            named = f"{script.replace('_', '.')} {version(self.distribution)}"
        except PackageNotFoundError:
            raise NotHere(f"{self.distribution} is not installed") from None
        by = self.by
        if self.name == "sock":
            by = ", compiled" if compiled() else ", pure (core not built)"
        return named + by


_PEERS: Final = (
    Peer("floor", "", "", by="the floor, in C"),
    Peer("sock", "sockpy", "sock"),
    Peer("sock-pure", "sockpy", "sock", by=", pure Python", environment={"SOCK_EXTENSION": "0"}),
    Peer("picows", "picows", "picows", by=", core"),
    Peer("websockets", "websockets", "websockets"),
    Peer("picows-websockets", "picows", "picows_websockets"),
    Peer("aiohttp", "aiohttp", "aiohttp"),
    Peer("socketify", "socketify", "socketify"),
    Peer("tornado", "tornado", "tornado"),
    Peer("uvicorn-sansio", "uvicorn", "uvicorn", ("websockets-sansio",), ", websockets-sansio"),
    Peer("uvicorn-websockets", "uvicorn", "uvicorn", ("websockets",), ", websockets"),
    Peer("uvicorn-wsproto", "uvicorn", "uvicorn", ("wsproto",), ", wsproto"),
    Peer("granian", "granian", "granian", by=", ASGI"),
    Peer("hypercorn", "hypercorn", "hypercorn"),
    Peer(
        "sock-uvicorn",
        "uvicorn",
        "uvicorn",
        ("sock.adapters.uvicorn:SockProtocol", "asgi_sock"),
        ", Sock, native",
        beside=True,
    ),
    Peer("sock-aiohttp", "aiohttp", "aiohttp_sock", by=", Sock, native", beside=True),
    Peer("sock-tornado", "tornado", "tornado_sock", by=", Sock, native", beside=True),
    Peer(
        "asgi-uvicorn",
        "uvicorn",
        "uvicorn",
        ("websockets-sansio", "asgi_sock"),
        ", websockets-sansio, Sock over ASGI",
        beside=True,
    ),
    Peer("asgi-granian", "granian", "granian", ("asgi_sock",), ", ASGI, Sock over it", beside=True),
)

EVERYBODY: Final = tuple(peer.name for peer in _PEERS if not peer.beside)
"""Who is in a column that does not say otherwise."""

PEERS: Final = {peer.name: peer for peer in _PEERS}
"""Everybody, and those that are in some columns only, which name them."""

HOSTED: Final = tuple(peer.name for peer in _PEERS if peer.beside)
"""Sock on servers that people already run."""

CONTENDERS: Final = frozenset({"floor", "sock", "sock-pure", "picows", "websockets"})
"""Those that the ratios to reach are between: they get more rounds, and longer ones."""

ASGI: Final = ("uvicorn-sansio", "uvicorn-websockets", "uvicorn-wsproto", "granian", "hypercorn")


@cache
def compiled() -> bool:
    """Whether `sock`, as its server is started here, has its compiled core."""
    asked = subprocess.run(
        [sys.executable, "-c", COMPILED],
        capture_output=True,
        check=False,
        env=os.environ | PEERS["sock"].environment,
        text=True,
    )
    # A Sock without the switch is one from before the core: pure.
    return asked.stdout.strip() == "True"
