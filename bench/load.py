"""The load client in C (`wsload/`), as a function from a server and arguments to a figure."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .server import Server

CORE: Final = 1
"""Where the client runs; the server has core 0."""

FOLDER: Final = Path(__file__).parent / "wsload"


class LoadFailed(Exception):
    """The client found something that came back wrong, or a connection that broke."""


def build() -> None:
    """Compile the client where it is missing or older than its source."""
    subprocess.run(["make", "--quiet", "-C", str(FOLDER)], check=True)


def raise_file_limit() -> None:
    """Let this process and its children open as many sockets as the system allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def measure(server: Server, arguments: Sequence[str], key: str) -> float:
    """Run the client once.

    Args:
        server: the server to load; it is running.
        arguments: of `wsload`, its mode first.
        key: the figure to take from what it prints.

    Raises:
        LoadFailed: some message came back wrong, or a connection broke.
    """
    client = ["taskset", "--cpu-list", str(CORE), str(FOLDER / "wsload")]
    target = ["-P", str(server.port), "--pid", str(server.pid)]
    done = subprocess.run(
        [*client, *arguments, *target, "--json"],
        capture_output=True,
        check=False,
        start_new_session=True,
        text=True,
    )
    if done.returncode:
        raise LoadFailed(f"{server.peer}: {' '.join(arguments)}: {done.stderr.strip()}")
    figure: float = json.loads(done.stdout)[key]
    return figure
