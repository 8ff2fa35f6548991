"""The control socket: `sock ctl` speaks to the supervisor through it, one object of JSON a line.

    asked            with        the answer has
    ---------------  ----------  ------------------------------------------------------------------
    status                       pid, urls, age, reloads, workers: one for each process
    reload                       problem: None when every slot has a new worker
    drain                        nothing; the server stops, as with SIGTERM
    workers          count       count: the number of slots, when they are there
    connections      limit       total, and connections: id, path, client, handler, age, pid
    stop             connection  found: whether a worker has this connection

Each answer has `ok`, and an `error` in place of all else if that is False. Only the user who runs
the server may ask, and root: the socket is theirs alone (0600), and the kernel tells who asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry

from .lines import BadLine, Lines, to_line
from .orders import CONNECTIONS, STOP
from .process import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .supervisor import Supervisor

_MAX_CLIENTS: Final = 16
"""Clients at the same time."""

_MAX_REQUEST: Final = 65536
"""Bytes of one question."""

_READ_TIMEOUT: Final = 60.0
"""Seconds for a client to ask its next question."""


def default_folder() -> Path:
    """Return the folder of this user's control sockets."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "sock"
    return Path(tempfile.gettempdir()) / f"sock-{os.geteuid()}"


def listen(path: Path | None) -> socket.socket:
    """Return the control socket of this process.

    Args:
        path: where it is; None for a file with the number of this process in `default_folder`.

    Raises:
        OSError: it cannot be made there, or another server has it.
    """
    if path is None:
        folder = default_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(f"{folder} must be a folder that is this user's alone (0700)")
        path = folder / f"{os.getpid()}.sock"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        before = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        sock.listen(_MAX_CLIENTS)
        sock.settimeout(0)
    except OSError:
        sock.close()
        raise
    return sock


def _remove_stale(path: Path) -> None:
    """Remove the socket of a server that has gone.

    Raises:
        OSError: a server has it, or it is another kind of file.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is there, and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise FileExistsError(f"{path} is the control socket of another server")


@final
class Control:
    """Answers at the control socket, from `start` to `close`.

    Args:
        supervisor: does what is asked for.
        urls: where the server listens.
        drain: makes the server stop.
    """

    def __init__(
        self, supervisor: Supervisor, urls: Sequence[str], drain: Callable[[], None]
    ) -> None:
        self._supervisor = supervisor
        self._urls = list(urls)
        self._drain = drain
        self._server: asyncio.Server | None = None
        self._path = ""
        self._clients: set[asyncio.StreamWriter] = set()

    async def start(self, sock: socket.socket) -> None:
        """Answer from now on."""
        self._path = sock.getsockname()
        self._server = await asyncio.start_unix_server(self._serve, sock=sock)

    def close(self) -> None:
        """Answer no more, and remove the socket."""
        if self._server is not None:
            self._server.close()
            Path(self._path).unlink(missing_ok=True)
        for client in self._clients:
            client.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= _MAX_CLIENTS:
            writer.close()
            return
        self._clients.add(writer)
        try:
            user = _user_of(writer.get_extra_info("socket"))
            if user not in {None, 0, os.geteuid()}:
                telemetry.emit("control.refused", user=user)
                # A close with unread bytes resets the connection, and the refusal may be lost.
                await asyncio.wait_for(reader.read(_MAX_REQUEST), _READ_TIMEOUT)
                _say(writer, ok=False, error="only the user who runs the server may ask")
            else:
                await self._answer_all(reader, writer)
            await writer.drain()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = Lines(_MAX_REQUEST)
        while data := await asyncio.wait_for(reader.read(_MAX_REQUEST), _READ_TIMEOUT):
            try:
                for question in lines.feed(data):
                    _say(writer, **await self._answer(question))
                    await writer.drain()
            except BadLine as error:
                _say(writer, ok=False, error=str(error))
                return

    async def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        match question:
            case {"ask": "status"}:
                return {"ok": True, **self._status()}
            case {"ask": "reload"}:
                # Whoever asks may go: the reload goes on.
                return {"ok": True, "problem": await asyncio.shield(self._supervisor.reload())}
            case {"ask": "drain"}:
                self._drain()
                return {"ok": True}
            case {"ask": "workers", "count": int(wanted)} if wanted >= 1:
                await asyncio.shield(self._supervisor.resize(wanted))
                return {"ok": True, "count": self._supervisor.count}
            case {"ask": "connections", **more}:
                limit = more.get("limit", 1000)
                return {"ok": True, **await self._connections(limit)}
            case {"ask": "stop", "connection": str(name)}:
                return {"ok": True, "found": await self._stop(name)}
            case _:
                return {"ok": False, "error": "there is no such question"}

    def _status(self) -> dict[str, Any]:
        now = asyncio.get_running_loop().time()
        workers = [
            {
                "slot": worker.slot,
                "pid": worker.pid,
                "state": worker.state.value,
                "age": round(worker.age, 1),
                "connections": worker.told.get("connections", 0),
                "memory": worker.told.get("memory", 0),
                "lag": worker.told.get("lag", 0.0),
                "received": worker.told.get("received", 0),
                "sent": worker.told.get("sent", 0),
                "figures": worker.told.get("figures", {}),
                "heard": round(now - worker.heard_at, 1),
                "starts": slot.starts,
            }
            for slot in self._supervisor.slots.values()
            for worker in slot.workers()
        ]
        return {
            "pid": os.getpid(),
            "urls": self._urls,
            "age": round(now - self._supervisor.started_at, 1),
            "reloads": self._supervisor.reloads,
            "slots": [
                {"slot": slot.number, "state": slot.state.value}
                for slot in self._supervisor.slots.values()
            ],
            "workers": workers,
        }

    async def _connections(self, limit: object) -> dict[str, Any]:
        most = limit if isinstance(limit, int) and 0 < limit <= 10_000 else 1000
        workers = [one for one in self._supervisor.workers() if one.state is not State.STARTING]
        answers = await asyncio.gather(*(worker.ask(CONNECTIONS, limit=most) for worker in workers))
        found = [
            {**one, "pid": worker.pid}
            for worker, answer in zip(workers, answers, strict=True)
            for one in answer.get("connections", [])
        ]
        return {
            "total": sum(answer.get("total", 0) for answer in answers),
            "connections": found[:most],
        }

    async def _stop(self, name: str) -> bool:
        workers = self._supervisor.workers()
        answers = await asyncio.gather(*(one.ask(STOP, connection=name) for one in workers))
        return any(answer.get("found") for answer in answers)


def _say(writer: asyncio.StreamWriter, **content: Any) -> None:
    writer.write(to_line(content))


def _user_of(sock: Any) -> int | None:
    """Return the user at the other end; None where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    with contextlib.suppress(OSError, struct.error):
        _, user, _ = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, option, 12))
        return int(user)
    return -1
