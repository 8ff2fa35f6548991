"""Servers without Sock, which echo by themselves: their wire stands beside that of the hosts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from typing import Final

from .host import BIN, HERE, Host
from .run import WORK

_APP: Final = "hosts.servers.bare.asgi:echo"


def _script(name: str) -> tuple[str, ...]:
    return sys.executable, str(HERE / "servers" / "bare" / name), "{port}"


def _uvicorn(ws: str) -> tuple[str, ...]:
    return (
        *(str(BIN / "uvicorn"), _APP, "--port", "{port}"),
        *("--ws", ws, "--log-level", "critical"),
    )


_NODE: Final = "ws, of node"

_BARE: Final = (
    Host("websockets", "websockets", _script("websockets_echo.py")),
    Host("uvicorn, websockets-sansio", "uvicorn", _uvicorn("websockets-sansio")),
    Host("uvicorn, wsproto", "uvicorn", _uvicorn("wsproto")),
    Host("aiohttp", "aiohttp", _script("aiohttp_echo.py")),
    Host("Tornado", "tornado", _script("tornado_echo.py")),
    Host(
        "hypercorn",
        "hypercorn",
        (
            *(str(BIN / "hypercorn"), _APP, "--bind", "127.0.0.1:{port}"),
            *("--log-level", "critical"),
        ),
    ),
    Host(
        "granian",
        "granian",
        (
            *(str(BIN / "granian"), "--interface", "asgi", "--port", "{port}"),
            *("--log-level", "critical", _APP),
        ),
    ),
    Host(
        "daphne",
        "daphne",
        (str(BIN / "daphne"), "--port", "{port}", "--verbosity", "0", _APP),
    ),
    Host(_NODE, "", ("node", str(HERE / "servers" / "bare" / "ws_echo.mjs"), "{port}")),
)


def bare_servers() -> list[Host]:
    """Return the servers that can be started here: node's needs node and npm."""
    return [one for one in _BARE if one.name != _NODE or _has_ws()]


def version_of(host: Host) -> str:
    """Return the version of a host or a bare server."""
    if host.distribution:
        return version(host.distribution)
    package = WORK / "node_modules" / "ws" / "package.json"
    return str(json.loads(package.read_text())["version"])


def _has_ws() -> bool:
    """Install node's ws where it is missing; tell whether it is there."""
    if (WORK / "node_modules" / "ws").is_dir():
        return True
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    WORK.mkdir(exist_ok=True)
    command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(WORK), "ws"]
    return subprocess.run(command, check=False, capture_output=True, timeout=120).returncode == 0
