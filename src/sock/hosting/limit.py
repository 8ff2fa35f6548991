"""What a host cannot do because of the server under it: declared as data, and reported once.

A host declares its limits by the numbers of the specification ([S0.3], appendix B): in the
documentation, as a tuple of `Limit`s, and in `Request.host`, where an application can read them.
The methods of an application, and the options that it sets, show what it needs. A need that meets a
limit is reported once for each class of handlers ([S0.4]).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.spec import Host, Options
from sock.spec.own_callback import own_callback
from sock.spec.wrapper import inner_class

from .declarable import DECLARABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Request, Sock


@final
@dataclass(frozen=True, slots=True)
class Limit:
    """Something that a host leaves undone, because the server under it has no way to do it.

    Args:
        name: one word for it, of those in `DECLARABLE`.
        statements: the numbers of the statements in the specification that do not hold, or only in
            part.
        instead: what happens in their place.
        method: a handler that has a method of this name needs it; "" for none.
        options: an application that sets one of these fields needs it.

    Raises:
        ValueError: there is no such word, or it does not stand for one of the statements [S0.5].
    """

    name: str
    statements: tuple[str, ...]
    instead: str
    method: str = ""
    options: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.name not in DECLARABLE:
            raise ValueError(f"a limit is one of {', '.join(DECLARABLE)}, not {self.name!r}")
        if wrong := set(self.statements) - DECLARABLE[self.name]:
            raise ValueError(
                f"{', '.join(sorted(wrong))} may not be declared by the word {self.name!r}"
            )

    def needed(self, handler: Sock[Any, Any, Any], options: Options) -> str | None:
        """Return the method or the fields that need it; None when nothing seems to need it."""
        if self.method and own_callback(handler, self.method) is not None:
            return self.method
        fields = sorted(name for name in self.options & options.given if _needs(options, name))
        return ", ".join(fields) or None


HEADS: Final = Limit(
    "heads",
    ("S14.3", "S14.12", "S17.2"),
    "the server reads the heads of requests by rules and limits of its own",
)
"""The limit of every host whose requests another server reads."""

LIFESPAN: Final = Limit(
    "lifespan",
    ("S19.4", "S19.5", "S19.6", "S19.10", "S19.11"),
    "a route is told of no start and no stop: the program enters the lifespan",
)
"""The limit of a host in a route [S19.7]."""


def host_with(name: str, limits: Iterable[Limit]) -> Host:
    """Return the host of this name, which declares the statements of these limits [S0.8]."""
    return Host(name, declared={number for limit in limits for number in limit.statements})


def _needs(options: Options, name: str) -> bool:
    """Tell whether the value of a field that was given needs anything of a host."""
    value = getattr(options, name)
    if name == "max_message_size":  # every host keeps to less than the default
        return value is None or value > Options().max_message_size
    return value is not None


_reported: Final[set[tuple[str, str, str]]] = set()
"""The reports so far, by name: a class that is made anew for each connection is reported once, and
is not kept alive."""


def report_needed(
    host: str,
    limits: Iterable[Limit],
    handler: Sock[Any, Any, Any],
    options: Options,
    request: Request,
) -> None:
    """Report, once for each class of handlers, what it needs and its host cannot do.

    Args:
        host: the name of the host, and where there is one without the limit.
        limits: those that the host declares.
        handler: the handler that was accepted.
        options: the options that the application gave.
        request: the request that was upgraded.
    """
    for limit in limits:
        needed = limit.needed(handler, options)
        if needed is not None:
            report(host, limit, inner_class(handler), needed, request)


def report(host: str, limit: Limit, kind: type, needed: str, request: Request) -> None:
    """Report that a class needs what its host cannot do, unless that was reported before."""
    key = (f"{kind.__module__}.{kind.__qualname__}", host, limit.name)
    if key not in _reported:
        _reported.add(key)
        telemetry.emit(
            "host.limited",
            request=request,
            host=host,
            handler=kind.__qualname__,
            needed=needed,
            instead=limit.instead,
        )
