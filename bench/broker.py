"""A Redis of the benchmark's own, for the servers whose messages go through one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from .peer import NotAvailable

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE: Final = 1
"""Its core is that of the client: what Redis does is not counted as the server's."""

START_TIMEOUT: Final = 10.0


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis on loopback within this context, and return its address.

    It keeps nothing on the disk.

    Raises:
        NotAvailable: there is no redis-server here, or it does not start.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise NotAvailable("redis-server is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["taskset", "--cpu-list", str(CORE), program, "--bind", "127.0.0.1"]
        process = subprocess.Popen(
            [*command, "--port", str(port), "--save", "", "--dir", folder],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait(process, port)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asking:
            asking.sendall(b"PING\r\n")
            if asking.recv(16).startswith(b"+PONG"):
                return
        time.sleep(0.05)
    raise NotAvailable("redis-server does not start")
