"""The load client in C (`wsload/`), as a function from a server and a column to its figures."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from .peer import PEERS

if TYPE_CHECKING:
    from .column import Column
    from .server import Server

CORE: Final = 1
"""The core of the client; the server has core 0."""

FOLDER: Final = Path(__file__).parent

TIMEOUT: Final = 180.0
"""Seconds after which a client is ended; its own bounds are shorter."""

Sample: TypeAlias = dict[str, float]
"""The figures of one run of the client, by the names that it prints."""


class LoadFailed(Exception):
    """A message came back wrong, or a connection could not be opened or broke."""


def build() -> None:
    """Compile the client and the floor if they are missing or older than their sources."""
    for program in ("wsload", "floor"):
        subprocess.run(["make", "--quiet", "-C", str(FOLDER / program)], check=True)


def raise_file_limit() -> int:
    """Let this process and its children open as many files as allowed; return the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def measure(server: Server, column: Column, seconds: float, rate: float = 0) -> Sample:
    """Run the client once.

    Args:
        server: the server to load, which is awake.
        column: the kind of load.
        seconds: for how long messages are counted.
        rate: messages per second, sent at fixed times; 0 to send one for each that came back.

    Raises:
        LoadFailed: some message came back wrong, or a connection broke.
    """
    client = ["taskset", "--cpu-list", str(CORE), str(FOLDER / "wsload" / "wsload"), column.mode]
    load = ["-c", str(column.connections), "-d", f"{seconds:g}", "-w", f"{column.warm:g}"]
    paced = ["--rate", f"{rate:.0f}"] if rate else []
    dialect = PEERS[server.peer].dialect
    spoken = dialect.arguments(column.asks) if dialect else []
    target = ["-P", str(server.port), "--pid", str(server.pid), "--tree", "--json"]
    try:
        done = subprocess.run(
            [*client, *load, *paced, *column.arguments, *spoken, *target],
            capture_output=True,
            check=False,
            start_new_session=True,
            text=True,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"the client did not end within {TIMEOUT:.0f} s") from None
    if done.returncode:
        error = done.stderr.strip().partition("\n")[0]
        raise LoadFailed(error or f"the client ended with {done.returncode}")
    found: dict[str, object] = json.loads(done.stdout)
    if not column.weighs and not found["count"]:
        raise LoadFailed("nothing came back in time")
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
