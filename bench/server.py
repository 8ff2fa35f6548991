"""One of the servers under test as a process, on a core of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

from .broker import free_port, redis
from .certificate import certificate
from .peer import FOLDER, PEERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from .peer import Peer

CORE: Final = 0
"""The core of the server. The load client has another one, so they do not compete for time."""

CERTIFICATE: Final = "BENCH_CERTIFICATE"
"""The variable that names the certificate of a server that speaks TLS."""

REDIS: Final = "BENCH_REDIS"
"""The variable with the address of Redis, for a server whose messages go through one."""

START_TIMEOUT: Final = 15.0
STOP_TIMEOUT: Final = 5.0

HANDSHAKE: Final = (
    "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class ServerFailed(Exception):
    """A server did not start, or ended while it was measured."""


@dataclass
class Server:
    """One server, pinned to `CORE`; a context manager that starts and ends it.

    It has a session of its own, so Ctrl-C in the terminal reaches the benchmark alone, which then
    ends its servers. Between measurements it is stopped (SIGSTOP), because some servers poll while
    they have nothing to do, on the core where another one is measured.

    Raises:
        NotAvailable: on entering, when it speaks TLS and no certificate can be made, or when it
            needs a Redis and there is none.
        ServerFailed: on entering, when it answers no handshake within `START_TIMEOUT`.
    """

    peer: str
    port: int = field(init=False, default=0)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _stderr: IO[bytes] = field(init=False, default_factory=tempfile.TemporaryFile)
    _closing: contextlib.ExitStack = field(init=False, default_factory=contextlib.ExitStack)

    @property
    def pid(self) -> int:
        """The process whose CPU time and memory are measured; it may have children."""
        if self._process is None or self._process.poll() is not None:
            raise ServerFailed(f"it ended{self._last_words()}")
        return self._process.pid

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let the server run within this context."""
        pid = self.pid
        os.killpg(pid, signal.SIGCONT)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGSTOP)

    def __enter__(self) -> Self:
        peer = PEERS[self.peer]
        self.port = free_port()
        more = {CERTIFICATE: str(certificate())} if peer.tls else {}
        if peer.redis:
            more[REDIS] = self._closing.enter_context(redis())
        # `taskset` becomes the server, so the pid is the server's.
        self._process = subprocess.Popen(
            ["taskset", "--cpu-list", str(CORE), *peer.command(self.port)],
            env=os.environ | peer.environment | more,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
        )
        try:
            self._wait()
            os.killpg(self.pid, signal.SIGSTOP)
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
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT)
        # The server itself, if it did not end, and the children that it left behind.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._closing.close()
        self._stderr.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                ended = self._process.returncode
                raise ServerFailed(f"it ended with {ended}{self._last_words()}")
            if _answers(self.port, PEERS[self.peer]) and self._workers_are_ready():
                return
            time.sleep(0.05)
        raise ServerFailed(f"no answer after {START_TIMEOUT:.0f} s{self._last_words()}")

    def _workers_are_ready(self) -> bool:
        return len(re.findall(" is ready after ", self._said())) >= PEERS[self.peer].workers

    def _said(self) -> str:
        # Not by `read`: the processes of the server write at the same place of the file.
        size = os.fstat(self._stderr.fileno()).st_size
        return os.pread(self._stderr.fileno(), size, 0).decode(errors="replace")

    def _last_words(self) -> str:
        lines = self._said().splitlines()
        words = next((line.strip() for line in reversed(lines) if line.strip()), "")
        # They are kept with the figures, so the path of the checkout is removed.
        return f": {words}".replace(f"{FOLDER.parent}/", "") if words else ""


def _answers(port: int, peer: Peer) -> bool:
    path = peer.dialect.path if peer.dialect else "/"
    context = None
    if peer.tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with contextlib.ExitStack() as closing:
            connection = closing.enter_context(socket.create_connection(("127.0.0.1", port), 1))
            if context is not None:
                connection = closing.enter_context(context.wrap_socket(connection))
            connection.sendall(HANDSHAKE.format(path).encode())
            return connection.recv(1024).startswith(b"HTTP/1.1 101")
    except OSError:
        return False
