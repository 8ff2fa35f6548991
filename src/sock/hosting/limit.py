"""What a server that is not ours does not let through: declared as data, told once when needed.

A host declares what it cannot do by the numbers of the specification ([S0.3], appendix B). What an
application gives away of its needs, by its methods and by the options that it sets, is looked for
here, and told once for each class ([S0.4]).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.spec import Options, Sock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Request


@final
@dataclass(frozen=True, slots=True)
class Limit:
    """Something that a host leaves undone, because the server under it leaves it no way.

    Args:
        name: one word for it, of those that `sock.testing.contract` knows.
        statements: the numbers of the specification that are not kept.
        instead: what happens in their place.
        method: a handler that has this one of its own needs it; "" for none.
        options: the fields that, when they are given, need it.
    """

    name: str
    statements: tuple[str, ...]
    instead: str
    method: str = ""
    options: frozenset[str] = frozenset()

    def needed(self, handler: Sock[Any, Any], options: Options) -> str | None:
        """Say by what an application needs it; None when it does not seem to."""
        kind = type(handler)
        if self.method and getattr(kind, self.method) is not getattr(Sock, self.method):
            return self.method
        wanted = sorted(name for name in self.options & options.given if _asks(options, name))
        return ", ".join(wanted) or None


def _asks(options: Options, name: str) -> bool:
    """Tell whether a field that was given asks anything of a host."""
    value = getattr(options, name)
    if name == "max_message_size":  # less than usual is kept to whatever the host lets through
        return value is None or value > Options().max_message_size
    return value is not None


_told: Final[set[tuple[str, str, str]]] = set()
"""By name: a class that is made anew for each connection is told of once, and is not kept."""


def warn(
    host: str,
    limits: Iterable[Limit],
    handler: Sock[Any, Any],
    options: Options,
    request: Request,
) -> None:
    """Tell, once for each class of handler, what it needs and its host cannot do.

    Args:
        host: its name, and where there is more.
        limits: that it declares.
        handler: that was accepted.
        options: that the application gave.
        request: that was upgraded.
    """
    for limit in limits:
        needed = limit.needed(handler, options)
        if needed is not None:
            tell(host, limit, type(handler), needed, request)


def tell(host: str, limit: Limit, kind: type, needed: str, request: Request) -> None:
    """Tell that a class needs what its host cannot do, unless that was told before."""
    told = (f"{kind.__module__}.{kind.__qualname__}", host, limit.name)
    if told not in _told:
        _told.add(told)
        telemetry.emit(
            "host.limited",
            request=request,
            host=host,
            handler=kind.__qualname__,
            needed=needed,
            instead=limit.instead,
        )
