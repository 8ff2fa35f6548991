"""Where a server listens: addresses as they are written, for `--bind` and for `bind=`.

written                   the server
------------------------  ------------------------------------------------------------------
127.0.0.1:8000            binds the port, on every address that a name has
[::1]:8000                the same for IPv6; the brackets keep its colons apart from the port's
:8000                     binds the port on every interface
unix:/run/chat.sock       makes a Unix socket; `unix:@chat` is one without a file, on Linux
unix:/run/chat.sock,mode=660   … that has these rights
fd:3                      takes over the listening socket that is this descriptor
systemd                   takes over all listening sockets that systemd has handed over
systemd:web               … those with this name, FileDescriptorName= of their unit
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

_TCP: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*):([0-9]+)")
_MODE: Final = re.compile(r"[0-7]{3,4}")
_FORMS: Final = (
    "an address is HOST:PORT, [IPv6]:PORT, unix:PATH, unix:PATH,mode=660, fd:NUMBER or systemd"
)
_MAX_PATH: Final = 107
"""Bytes that the path of a Unix socket may have, on Linux."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A port of a host.

    Args:
        host: a name or an address; "" for every interface.
        port: 0 for one that is free.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix socket.

    Args:
        path: of its file; "@" and a name for a socket without a file.
        mode: the rights of the file; None for those that the umask leaves.
    """

    path: str
    mode: int | None = None

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class DescriptorAddress:
    """A listening socket that the process has inherited.

    Args:
        number: of its descriptor.
    """

    number: int

    def __str__(self) -> str:
        return f"fd:{self.number}"


@dataclass(frozen=True, slots=True)
class SystemdAddress:
    """The listening sockets that systemd has handed over.

    Args:
        name: of those that are taken; None for all.
    """

    name: str | None = None

    def __str__(self) -> str:
        return "systemd" if self.name is None else f"systemd:{self.name}"


Address: TypeAlias = TcpAddress | UnixAddress | DescriptorAddress | SystemdAddress


def read_address(text: str) -> Address:
    """Return the address that a text names.

    Raises:
        ValueError: it names none; the error says what is wrong, without the text.

    >>> read_address("[::1]:8000"), read_address("unix:/run/chat.sock,mode=660")
    (TcpAddress(host='::1', port=8000), UnixAddress(path='/run/chat.sock', mode=432))
    """
    kind, _, rest = text.partition(":")
    if kind == "unix":
        return _unix(rest)
    if kind == "fd":
        if not rest.isascii() or not rest.isdigit():
            raise ValueError("fd: is followed by the number of a descriptor, as in fd:3")
        return DescriptorAddress(int(rest))
    if kind == "systemd":
        return SystemdAddress(rest or None)
    found = _TCP.fullmatch(text)
    if found is None:
        if text.count(":") > 1 and "[" not in text:
            raise ValueError("an IPv6 address stands in brackets, as in [::1]:8000")
        raise ValueError(_FORMS)
    port = int(found[2])
    if port > 65535:
        raise ValueError("a port is 0 to 65535")
    return TcpAddress(found[1].strip("[]"), port)


def read_addresses(texts: str | Iterable[str]) -> list[Address]:
    """Return the addresses that an argument `bind` names: one text, or several.

    Raises:
        ValueError: a text names no address; the error shows it.
    """
    addresses: list[Address] = []
    for text in [texts] if isinstance(texts, str) else texts:
        try:
            addresses.append(read_address(text))
        except ValueError as error:
            raise ValueError(f"bind {text!r}: {error}") from None
    return addresses


def _unix(text: str) -> UnixAddress:
    path, comma, option = text.partition(",")
    name, _, mode = option.partition("=")
    if comma and (name != "mode" or not _MODE.fullmatch(mode)):
        raise ValueError("behind the path comes the mode in octal, as in unix:/run/it,mode=660")
    if not path or "\0" in path:
        raise ValueError("unix: is followed by a path, as in unix:/run/chat.sock")
    if len(path.encode(errors="surrogateescape")) > _MAX_PATH:
        raise ValueError(f"the path of a Unix socket has at most {_MAX_PATH} bytes")
    if path.startswith("@") and comma:
        raise ValueError("a Unix socket without a file has no mode")
    return UnixAddress(path, int(mode, 8) if comma else None)
