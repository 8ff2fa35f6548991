"""The servers under test: which there are, and one of them as a process on a core of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

CORE: Final = 0
"""Where the server runs. The load client has another, so that neither takes time from the other."""

START_TIMEOUT: Final = 10.0
STOP_TIMEOUT: Final = 5.0

PEERS: Final = {
    "sock": "sockpy",
    "websockets": "websockets",
    "aiohttp": "aiohttp",
    "picows": "picows",
    "uvicorn": "uvicorn",
}
"""Name of the script in `peers/` (without `_echo.py`) to name of the distribution it measures."""


class ServerFailed(Exception):
    """A server did not start, or ended while it was measured."""


def title(peer: str) -> str:
    """Name a server with the version that is measured."""
    return f"{peer} {version(PEERS[peer])}"


@dataclass
class Server:
    """One server in one process, pinned to `CORE`; a context manager that starts and ends it.

    It has a session of its own: Ctrl-C in the terminal reaches the benchmark alone, which then ends
    its children.

    Raises:
        ServerFailed: on entering, when no connection is accepted within `START_TIMEOUT`.
    """

    peer: str
    port: int = field(init=False, default=0)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    @property
    def pid(self) -> int:
        """The process to weigh."""
        if self._process is None or self._process.poll() is not None:
            raise ServerFailed(f"{self.peer}: not running")
        return self._process.pid

    def __enter__(self) -> Self:
        self.port = _free_port()
        script = Path(__file__).parent / "peers" / f"{self.peer}_echo.py"
        command = [sys.executable, str(script), str(self.port)]
        # `taskset` becomes the server, so the pid is the server's.
        self._process = subprocess.Popen(
            ["taskset", "--cpu-list", str(CORE), *command],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise ServerFailed(f"{self.peer}: ended with {self._process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise ServerFailed(f"{self.peer}: accepts nothing after {START_TIMEOUT:.0f} s")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
