"""The limits on the command line: an option and a variable for each field of `Options`.

The options are made of the fields, so a new field is an option without a line here. `_HELP` only
words its help better.

    the name            a value is                                            examples
    ------------------  ----------------------------------------------------  ----------------------
    max_..._size,       a size in bytes, with or without a unit; "none"       65536, 64KiB, none
    buffer, read_ahead
    max_... of others,  a number; "none"                                      1000, none
    drain_batch
    handshake_rate...   a number a second; "none"                             0.5, none
    ..._timeout,        seconds; "none"                                       2.5, none
    ..._interval
    compression         on, off, or the fields of `Compression`               window=12,takeover=off
    rate_limit          the fields of `RateLimit`; "none"                      messages=100,close=on
    origins             several, with commas or spaces between                https://example.com,null
"""

from __future__ import annotations

import os
import re
from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from sock import Compression, Options, RateLimit
from sock.spec.options import DEFAULTS

from .failure import NOT_THERE, fail
from .find import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

_UNITS: Final = {
    "": 1,
    "b": 1,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
}

_HELP: Final = {
    "max_message_size": "Of one message, reassembled and inflated.",
    "max_fragments": "Frames of one message.",
    "max_read_ahead": "Messages kept for a handler that lags; the rest is left to TCP.",
    "max_mailbox": "Infos kept for a handler that lags.",
    "max_send_buffer": "Kept for a peer that lags; then the connection waits.",
    "send_timeout": "How long a peer may take nothing of what waits for it.",
    "idle_timeout": "How long nothing may be received.",
    "ping_interval": "After how much silence a ping goes out.",
    "close_timeout": "How long the end of a connection may take.",
    "rate_limit": "What a peer may send in a second on average, such as"
    " messages=100,bytes=64KiB,burst=10,close=off; beyond it nothing is read for a while.",
    "compression": "on, off, or such as window=12,memory_level=5,threshold=1024,takeover=off.",
    "origins": "A site beside the server's own whose pages may connect, such as"
    " https://example.com; * is all. May be given more than once, in the variable with commas"
    " between.",
    "handshake_timeout": "From accepting a connection to its complete request.",
    "max_head_size": "Of a request's head.",
    "max_body_size": "Of an ordinary request's body.",
    "max_connections": "More are answered with 503.",
    "max_connections_per_ip": "Of one address, or of one /64 of IPv6; more are answered with 429.",
    "handshake_rate_per_ip": "Handshakes a second from there; those of 10 s may come at once.",
    "drain_timeout": "How long a stop may take before connections are cut; 2 s with --reload,"
    " if not given.",
    "drain_batch": "Connections that a stop tells at a time to come back (1012).",
    "drain_interval": "Until the next ones are told, on average.",
}

_OTHERS: Final = frozenset({"SOCK_REACTOR", "SOCK_EXTENSION"})
"""Variables that Sock reads and that are not options."""


_OWN_KINDS: Final = {"compression": "how", "origins": "origin", "rate_limit": "limit"}
"""The fields whose values are like those of no other one."""


def option_of(field: str) -> str:
    """Return the name of a field on the command line."""
    return "--origin" if field == "origins" else "--" + field.replace("_", "-")


def variable_of(option: str) -> str:
    """Return the name of an option as a variable."""
    return "SOCK_" + option.removeprefix("--").replace("-", "_").upper()


def as_given(source: str, value: str) -> str:
    """Return an option, or its variable, with its value, as the user has written them.

    >>> as_given("--port", "80"), as_given("SOCK_PORT", "80")
    ('--port 80', 'SOCK_PORT=80')
    """
    return f"{source}{' ' if source.startswith('-') else '='}{value or repr(value)}"


def option_declarations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return each field, the name of its option, and the settings with which it is declared."""
    return [(field, option_of(field), _settings(field)) for field in DEFAULTS]


def _settings(field: str) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "help": _HELP.get(field, f"The field {field} of Options."),
        "metavar": _kind(field).upper(),
        "default_in_words": _default_in_words(field),
    }
    return settings | {"multiple": True} if field == "origins" else settings


def _kind(field: str) -> str:
    if field in _OWN_KINDS:
        return _OWN_KINDS[field]
    if field.startswith("max_"):
        in_bytes = field.endswith(("_size", "_buffer", "_ahead"))
        return "size" if in_bytes else "number"
    if field == "drain_batch":
        return "number"
    if field == "handshake_rate_per_ip":
        return "rate"
    return "seconds"


def _default_in_words(field: str) -> str:
    value = DEFAULTS[field]
    if field in {"compression", "origins"}:
        return "off" if field == "compression" else "none"
    if field == "ping_interval":
        return f"{value:g}, or a third of a shorter --idle-timeout"
    if value is None:
        return "none"
    if _kind(field) == "size" and isinstance(value, int):
        return f"{value // 1024}KiB" if value % 1024**2 else f"{value // 1024**2}MiB"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def options_of(
    given: Mapping[str, Any], module: str | None, folder: Path, sources: Mapping[str, str]
) -> Options:
    """Return the options of the command line: the single ones, laid over those of --options.

    Args:
        given: a text for each field, several for `origins`; None or nothing if it was not given.
        module: MODULE:OPTIONS; None if it was not given.
        folder: where that module is looked for first.
        sources: for each field the name by which it was given: an option, or a variable.
    """
    values = {
        field: _read(field, text, sources[field])
        for field, text in given.items()
        if text is not None and text != ()
    }
    try:
        options = Options(**values)
        if module is None:
            return options
        return options.over(_found(module, folder, sources["options"]))
    except (TypeError, ValueError) as error:
        fail(f"these options do not go together: {error}.", NOT_THERE)


def _read(field: str, text: Any, source: str) -> Any:
    """Return the value of one field, checked by itself."""
    shown = as_given(source, " ".join(text) if field == "origins" else text)
    try:
        if field == "origins":
            value: Any = tuple(_pieces(text))
        elif field == "compression":
            value = _compression(text)
        elif text.strip().lower() == "none":
            value = None
        else:
            value = {
                "size": size_of,
                "number": _number,
                "seconds": seconds_of,
                "rate": _rate,
                "limit": _rate_limit,
            }[_kind(field)](text)
        alone: dict[str, Any] = {"idle_timeout": None, field: value}
        Options(**alone)  # whether it fits the others is checked later
    except (TypeError, ValueError) as error:
        fail(f"{shown}: {error}.", NOT_THERE)
    return value


def _pieces(texts: Iterable[str]) -> list[str]:
    return [one for text in texts for one in re.split(r"[,\s]+", text) if one]


def size_of(text: str) -> int:
    """Read a size: a number of bytes, with or without a unit.

    Raises:
        ValueError: it is none.

    >>> size_of("64KiB")
    65536
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text.strip())
    if found is None:
        raise ValueError("a size is a number of bytes, such as 65536, 64KiB or 4MiB, or none")
    number, unit = found.groups()
    factor = _UNITS.get(unit.lower())
    if factor is None:
        raise ValueError(
            f"{unit!r} is not a unit: the units are B, KiB, MiB, GiB, kB, MB and GB, as in 4MiB"
        )
    size = float(number) * factor if "." in number else int(number) * factor
    if size != int(size):
        raise ValueError("a size is a whole number of bytes")
    return int(size)


def _number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]+", text.strip()):
        raise ValueError("it is a whole number, such as 1000, or none")
    return int(text)


def _rate(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("it is a number of handshakes a second, such as 0.5, or none") from None


def seconds_of(text: str) -> float:
    """Read a number of seconds.

    Raises:
        ValueError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise ValueError("it is a number of seconds, such as 2.5, or none") from None


def _rate_limit(text: str) -> RateLimit:
    known = [field.name for field in fields(RateLimit)]
    settings: dict[str, Any] = {}
    for piece in _pieces([text]):
        name, equals, value = piece.partition("=")
        if not equals or name not in known:
            raise ValueError(
                f"it is a list of {', '.join(known)}, as in messages=100,bytes=64KiB, or none"
            )
        if name == "close":
            settings[name] = _SWITCH.get(value.lower(), value)
        else:
            settings[name] = size_of(value) if name == "bytes" else _per_second(name, value)
    return RateLimit(**settings)


def _per_second(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{name} is a number, as in {name}=10") from None


def _compression(text: str) -> bool | Compression:
    word = text.strip().lower()
    if word in _SWITCH:
        return _SWITCH[word]
    known = {field.name: field.type for field in fields(Compression)}
    settings: dict[str, Any] = {}
    for piece in _pieces([text]):
        name, equals, value = piece.partition("=")
        if not equals or name not in known:
            raise ValueError(
                f"it is on, off, or a list of {', '.join(known)}, as in window=12,takeover=off"
            )
        switch = _SWITCH.get(value.lower())
        if name == "takeover" and switch is None:
            raise ValueError("takeover is on or off")
        if name != "takeover" and not re.fullmatch(r"[0-9]+", value):
            raise ValueError(f"{name} is a whole number, as in {name}={getattr(_DEFAULT, name)}")
        settings[name] = switch if name == "takeover" else int(value)
    return Compression(**settings)


_DEFAULT: Final = Compression()
_SWITCH: Final = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


def _found(target: str, folder: Path, source: str) -> Options:
    found = find(target, folder, what="OPTIONS", offer=_offer)
    if not isinstance(found, Options):
        fail(
            f"{as_given(source, target)}: it is of type {type(found).__name__}, and not"
            " sock.Options.",
            NOT_THERE,
        )
    return found


def _offer(module: ModuleType) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, Options) and name[0] != "_"
    ]
    return f"It has these Options: {', '.join(names)}." if names else "It has no Options."


def check_variables(known: Iterable[str]) -> None:
    """Refuse a variable of the environment that was probably meant for an option.

    Args:
        known: the variables of the command's options.
    """
    variables = {*known, *_OTHERS}
    for name in os.environ:
        if name.startswith("SOCK_") and name not in variables:
            near = get_close_matches(name, variables, n=1, cutoff=0.88)
            if near:
                fail(f"Sock has no variable {name}. Did you mean {near[0]}?", NOT_THERE)
