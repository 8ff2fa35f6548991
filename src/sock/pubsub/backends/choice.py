"""Which backend an address names, and which address counts where none is given."""

from __future__ import annotations

import os
import re
from importlib import import_module
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

KNOWN: Final = {
    "memory": "",
    "host": "pubsub",
    "redis": "redis",
    "rediss": "redis",
    "redis+cluster": "redis",
    "rediss+cluster": "redis",
    "redis+sentinel": "redis",
    "rediss+sentinel": "redis",
    "nats": "nats",
    "tls": "nats",
}
"""The schemes, and the extra that each needs."""

_BROKERS: Final = frozenset(("redis", "nats"))
"""Extras whose module, its package and the function that makes a backend all have its name. What is
made of several servers has a module beside it."""

_SECRETS: Final = re.compile(r"([?&][a-z_]*(?:password|token|secret)=)[^&]*")


def chosen_url(url: object) -> str:
    """Return the address that counts: the given one, that of the variable, or that of this host.

    Raises:
        TypeError: it is no `str`.

    >>> chosen_url("memory:")
    'memory:'
    """
    if url is None:
        url = os.environ.get(VARIABLE)
    if isinstance(url, type):
        raise TypeError(
            f"the address stands before the type of the messages: PubSub(kind={url.__name__}) has"
            " none"
        )
    if url is not None and not isinstance(url, str):
        raise TypeError(f"the address is a str, such as 'redis://localhost', not {url!r}")
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
        ValueError: there is no backend of this scheme, or the address cannot be read.
        ImportError: it needs an extra that is not installed.
    """
    extra = KNOWN[scheme_of(url)]
    if not extra:
        return None
    if extra in _BROKERS:
        return _broker(url, extra)
    folder = url.partition(":")[2]
    here = worker.of_process()
    if not folder and here is None:
        return None  # no supervisor: this process is the only one of its server
    coder()  # an extra that is missing is told here, in the line that makes the PubSub
    where = Path(folder or here.folder if here is not None else folder)
    return lambda: Host(where)


def _broker(url: str, extra: str) -> MakeBackend:
    coder()
    name = f"{extra}_cluster" if scheme_of(url).endswith("+cluster") else extra
    try:
        module = import_module(f"{__package__}.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("sock"):
            raise
        raise ImportError(
            f"{error.name} is not installed: pip install 'sockpy[{extra}]'"
        ) from error
    make: Callable[[str], MakeBackend] = getattr(module, name)
    try:
        return make(url)
    except ValueError as error:
        raise ValueError(f"{masked(url)!r} is no address of a backend: {error}") from None


def publisher_of(url: str) -> Callable[[str, bytes], None] | None:
    """Return what publishes without an event loop; None if the backend needs one.

    Raises:
        ValueError: there is no backend of this scheme, or the address cannot be read.
    """
    if KNOWN[scheme_of(url)] != "redis":
        return None
    from .redis_publishing import publishing  # redis-py is there: `backend_of` has looked

    return publishing(url)


def masked(url: str) -> str:
    """Return an address as it may be shown: without its password.

    >>> masked("redis://sock:secret@localhost:6379")
    'redis://sock:***@localhost:6379'
    >>> masked("redis://localhost?password=secret&db=1")
    'redis://localhost?password=***&db=1'
    """
    scheme, slashes, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    if not at:
        return _SECRETS.sub(r"\1***", url)
    host = _SECRETS.sub(r"\1***", host)
    user, colon, _ = credentials.partition(":")
    return f"{scheme}{slashes}{user}{colon}***@{host}" if colon else f"{scheme}{slashes}***@{host}"
