"""Which backend an address names, and which address counts where none is given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sock.hosting import worker
from sock.pubsub.envelope import coder

from .host import Host

if TYPE_CHECKING:
    from collections.abc import Callable

    from .backend import Backend

    MakeBackend = Callable[[], Backend]

VARIABLE: Final = "SOCK_PUBSUB"
"""The variable that has the address where none is given."""

KNOWN: Final = {"memory": "", "host": "pubsub"}
"""The schemes, and the extra that each needs."""


def chosen_url(url: str | None) -> str:
    """Return the address that counts: the given one, that of the variable, or that of this host.

    >>> chosen_url("memory:")
    'memory:'
    """
    if url is None:
        url = os.environ.get(VARIABLE)
    if not url:
        here = worker.of_process()
        url = "host:" if here is not None and here.workers > 1 else "memory:"
    return url


def scheme_of(url: str) -> str:
    """Return the scheme of an address.

    Raises:
        ValueError: there is no backend of this scheme.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme not in KNOWN:
        known = ", ".join(
            f"{name}: (extra {extra})" if extra else f"{name}:" for name, extra in KNOWN.items()
        )
        raise ValueError(f"{masked(url)!r} names no backend of sock.pubsub. There are {known}")
    return scheme


def backend_of(url: str) -> MakeBackend | None:
    """Return what makes the backend of an address; None if messages stay in this process.

    Args:
        url: names the backend.

    Raises:
        ValueError: there is no backend of this scheme.
        ImportError: it needs an extra that is not installed.
    """
    if scheme_of(url) == "memory":
        return None
    folder = url.partition(":")[2]
    here = worker.of_process()
    if not folder and here is None:
        return None  # no supervisor: this process is the only one of its server
    coder()  # an extra that is missing is told here, in the line that makes the PubSub
    where = Path(folder or here.folder if here is not None else folder)
    return lambda: Host(where)


def masked(url: str) -> str:
    """Return an address as it may be shown: without its password.

    >>> masked("redis://sock:secret@localhost:6379")
    'redis://sock:***@localhost:6379'
    """
    scheme, slashes, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    if not at:
        return url
    user, colon, _ = credentials.partition(":")
    return f"{scheme}{slashes}{user}{colon}***@{host}" if colon else f"{scheme}{slashes}***@{host}"
