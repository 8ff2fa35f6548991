"""Listening sockets: how they are bound, taken over from others, and let go of."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from . import systemd
from .address import DescriptorAddress, SystemdAddress, TcpAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .address import Address

BACKLOG: Final = 2048
"""Connections that wait in the kernel at most. Linux lowers it to `net.core.somaxconn`."""

_PROBE: Final = 1.0
"""Seconds in which a live server takes a connection into its backlog; it needs none."""


class CannotListen(OSError):
    """An address cannot be bound; the text says why, in the words of whoever has named it."""

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True, slots=True)
class Bound:
    """The listening sockets of one address.

    Args:
        sockets: several where the name of a host has several addresses.
        host: as it was given, or the address of every interface; empty for a Unix socket.
        port: the free one that was found, where 0 was given; 0 for a Unix socket.
        path: of a Unix socket; None for TCP.
        file: device and inode of the file of a Unix socket that was made here; None for no file.
        own_tcp: whether these are sockets of TCP that this process has bound.
    """

    sockets: tuple[socket.socket, ...]
    host: str = ""
    port: int = 0
    path: str | None = None
    file: tuple[int, int] | None = None
    own_tcp: bool = False

    def url(self, scheme: str = "http") -> str:
        """Return where it listens, such as "http://127.0.0.1:8000" or "unix:/run/chat.sock"."""
        if self.path is not None:
            return f"unix:{self.path}"
        return f"{scheme}://{TcpAddress(self.host, self.port)}"

    def remove_file(self) -> None:
        """Remove the file of a Unix socket that was made here, unless somebody has replaced it."""
        if self.path is not None and self.file is not None:
            with suppress(OSError):
                if _file(self.path) == self.file:
                    Path(self.path).unlink()

    def close(self) -> None:
        """Close all of its sockets, and remove the file of a Unix socket that was made here."""
        self.remove_file()
        for sock in self.sockets:
            sock.close()


async def bind_all(addresses: Iterable[Address]) -> list[Bound]:
    """Return the listening sockets of all addresses.

    Raises:
        CannotListen: one of them cannot be bound. Then none is.
    """
    bound: list[Bound] = []
    try:
        for address in addresses:
            bound += await _bind(address)
        _check_none_twice(bound)
    except BaseException:
        for one in bound:
            one.close()
        raise
    return bound


def taken_over(sockets: Iterable[socket.socket]) -> list[Bound]:
    """Return sockets in which somebody else has bound an address, and which listen already.

    Raises:
        ValueError: one of them does not listen.
    """
    return [_taken_over(sock) for sock in sockets]


def _check_none_twice(bound: Iterable[Bound]) -> None:
    numbers: set[int] = set()
    for sock in (sock for one in bound for sock in one.sockets):
        if sock.fileno() in numbers:
            number = sock.detach()  # the other one closes it
            raise CannotListen(errno.EINVAL, f"descriptor {number} is named twice")
        numbers.add(sock.fileno())


async def _bind(address: Address) -> list[Bound]:
    match address:
        case TcpAddress(host, port):
            return [await _bind_tcp(host, port)]
        case UnixAddress():
            return [_bind_unix(address)]
        case DescriptorAddress(number):
            return [_inherited(number)]
        case SystemdAddress(name):
            return _from_systemd(name)


# TCP.


async def _bind_tcp(host: str, port: int) -> Bound:
    try:
        return await _bind_every_address(host, port)
    except OSError as error:
        where = f"port {port} of {host or 'every interface'}"
        problem = {
            errno.EADDRINUSE: f"{where} is in use",
            errno.EACCES: f"{where} may not be used by this user. Try one above 1023",
            errno.EADDRNOTAVAIL: f"{host} is not an address of this machine",
        }.get(error.errno or 0)
        if isinstance(error, socket.gaierror):
            problem = f"no host named {host!r}: {error.strerror}"
        raise CannotListen(error.errno, problem or f"{where}: {error.strerror}") from error


async def _bind_every_address(host: str, port: int) -> Bound:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError:  # the name may have an IPv6 address, and the machine no IPv6
                if len(found) > 1:
                    continue
                raise
            sockets.append(sock)
            # The other addresses of a name get the port that was found for the first one.
            free = port or (sockets[0].getsockname()[1] if len(sockets) > 1 else 0)
            _listen(sock, (address[0], free, *address[2:]))
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    first: Any = sockets[0].getsockname()
    return Bound(tuple(sockets), host or str(first[0]), int(first[1]), own_tcp=True)


def _listen(sock: socket.socket, address: tuple[str | int, ...]) -> None:
    sock.settimeout(0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Accepted sockets inherit this option, which saves a system call for each of them.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(address)
    sock.listen(BACKLOG)


# Unix sockets.


def _bind_unix(address: UnixAddress) -> Bound:
    path = address.path
    abstract = path.startswith("@")
    if not hasattr(socket, "AF_UNIX"):
        raise CannotListen(errno.EAFNOSUPPORT, "this system has no Unix sockets")
    if not abstract:
        _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        if address.mode is not None:
            # The file gets these rights, less the umask, when it is made. So nobody has more rights
            # for a moment than are meant.
            os.fchmod(sock.fileno(), address.mode)
        sock.bind("\0" + path[1:] if abstract else path)
        if abstract:
            sock.listen(BACKLOG)
            return Bound((sock,), path=path)
        bound = Bound((sock,), path=path, file=_file(path))
        try:
            if address.mode is not None:
                Path(path).chmod(address.mode)
            sock.listen(BACKLOG)
        except BaseException:
            bound.remove_file()
            raise
    except OSError as error:
        sock.close()
        _fail_for_path(path, error)
    except BaseException:
        sock.close()
        raise
    return bound


def _remove_stale(path: str) -> None:
    """Remove the socket that a dead server has left at a path; fail for that of a live one."""
    try:
        found = Path(path).stat()
    except OSError:
        return  # nothing is there, or `bind` says what is wrong
    if not stat.S_ISSOCK(found.st_mode):
        raise CannotListen(
            errno.EEXIST, f"{path} is there already, and is no socket: give another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE)
        try:
            probe.connect(path)
        except ConnectionRefusedError:  # nobody listens there any more
            pass
        except OSError as error:
            if error.errno == errno.EACCES:
                _fail_for_path(path, error)
            # Its backlog is full (EAGAIN, or the time is up), or it is a socket of another kind.
            _fail_for_live(path)
        else:
            _fail_for_live(path)
    with suppress(OSError):
        if _file(path) == (found.st_dev, found.st_ino):
            Path(path).unlink()


def _file(path: str) -> tuple[int, int]:
    found = Path(path).stat()
    return found.st_dev, found.st_ino


def _fail_for_live(path: str) -> NoReturn:
    raise CannotListen(
        errno.EADDRINUSE, f"a server is listening on {path} already: stop it, or give another path"
    )


def _fail_for_path(path: str, error: OSError) -> NoReturn:
    problem = {
        errno.ENOENT: f"the folder of {path} does not exist: make it first",
        errno.ENOTDIR: f"the folder of {path} does not exist: make it first",
        errno.EACCES: f"{path} may not be used by this user",
        errno.EADDRINUSE: f"{path} is in use",
    }.get(error.errno or 0, f"{path}: {error.strerror}")
    raise CannotListen(error.errno, problem) from error


# Sockets of others.


def _inherited(number: int) -> Bound:
    try:
        sock = socket.socket(fileno=number)
    except OSError as error:
        what = (
            "not open: the program that starts this one hands it over"
            if error.errno == errno.EBADF
            else "no socket"
        )
        raise CannotListen(error.errno, f"descriptor {number} is {what}") from error
    try:
        return _taken_over(sock)
    except ValueError:
        sock.detach()  # it is somebody else's
        problem = f"descriptor {number} is a socket that does not listen"
        raise CannotListen(errno.EINVAL, problem) from None


def _from_systemd(name: str | None) -> list[Bound]:
    descriptors = systemd.listening_descriptors()
    wanted = [number for number, named in descriptors if name is None or named == name]
    if wanted:
        return [_inherited(number) for number in wanted]
    if not descriptors:
        problem = "systemd has handed over no socket: start this as the service of a .socket unit"
    else:
        names = ", ".join(dict.fromkeys(named for _, named in descriptors))
        problem = f"systemd has handed over no socket named {name!r}, but these: {names}"
    raise CannotListen(errno.ENOENT, problem)


def _taken_over(sock: socket.socket) -> Bound:
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ValueError(f"a socket that is handed over listens already, which {sock!r} does not")
    sock.settimeout(0)
    sock.set_inheritable(False)
    address: Any = sock.getsockname()
    if isinstance(address, tuple):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as in `_listen`
        host, port, *_ = cast("tuple[Any, ...]", address)
        return Bound((sock,), host, port)
    # Linux has addresses without a file too, which begin with a zero byte; "@" is usual for it.
    path = address if isinstance(address, str) else "@" + os.fsdecode(address[1:])
    return Bound((sock,), path=path)
