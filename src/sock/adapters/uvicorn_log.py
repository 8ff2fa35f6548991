"""What uvicorn logs, beside Sock's log: one line for each thing, and no token in it.

    what                                  `sock run`                     uvicorn with our protocol
    ------------------------------------  -----------------------------  ---------------------------
    a Sock begins                         Sock's line, if asked for      uvicorn's, if nobody has
                                                                         decided about "sock.access"
    a Sock ends                           Sock's line, if asked for      Sock's line, if asked for
    a Sock's handshake is refused         Sock's line                    Sock's line
    another WebSocket begins, is refused  uvicorn's                      uvicorn's
    an ordinary request                   uvicorn's, if asked for        uvicorn's own affair
    the application's own lines           in the same form               uvicorn's own affair

The values of query strings are masked in all of them, but where they are uvicorn's own affair.
"""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any, Final, cast, final

from uvicorn.protocols.utils import get_client_addr, get_path_with_query_string

from sock.observe import loggers
from sock.observe.lines import loggable_target
from sock.spec.masking import masked_header

if TYPE_CHECKING:
    from sock.hosting.takeover import Takeover

    from .event import Scope

_ERROR: Final = "uvicorn.error"
_ACCESS: Final = "uvicorn.access"
_STARTED: Final = "Uvicorn running on "

_log: Final = logging.getLogger(_ERROR)


def accepted(scope: Scope) -> None:
    """Log that a Sock was accepted, as uvicorn does, unless that is in Sock's access log."""
    if loggers.access_log_configured():
        return
    path = loggable_target(get_path_with_query_string(cast("Any", scope)))
    _log.info('%s - "WebSocket %s" [accepted]', get_client_addr(cast("Any", scope)), path)


def follow(own: Any, takeover: Takeover | None) -> None:
    """Let uvicorn's own implementation of WebSockets log what may be logged, once.

    Args:
        own: one connection's protocol.
        takeover: what the application was asked with.
    """
    own.logger = _Lines(own.logger, takeover)
    wire: Any = getattr(own, "conn", None)
    if hasattr(wire, "logger"):  # that of websockets has its own
        wire.logger = _Lines(wire.logger, takeover)


@final
class _Lines:
    """A logger of one connection."""

    __slots__ = ("_logger", "_takeover")

    def __init__(self, logger: Any, takeover: Takeover | None) -> None:
        self._logger = logger
        # Weakly: it leads back to the connection, and what is over is freed without a collector.
        self._takeover = None if takeover is None else weakref.ref(takeover)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)

    def info(self, message: str, *args: Any, **more: Any) -> None:
        """Log a line, but of a refusal that has one: in the words of who has refused."""
        takeover = None if self._takeover is None else self._takeover()
        if takeover is None or not takeover.refusal_reported:
            self._logger.info(message, *_masked(message, args), **more)

    def debug(self, message: str, *args: Any, **more: Any) -> None:
        """Log what is on the wire."""
        self._logger.debug(message, *_masked(message, args), **more)


def _masked(message: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if message in {"< %s: %s", "> %s: %s"} and len(args) == 2:
        return args[0], masked_header(str(args[0]), str(args[1]))
    if "WebSocket %s" in message or message == "< %s %s %s":
        return tuple([loggable_target(arg) if isinstance(arg, str) else arg for arg in args])
    return args


# For `sock run`, where the whole log is ours.


def config(level: str, form: str, *, access: bool) -> dict[str, Any]:
    """Return a configuration of logging that each process that serves applies.

    What the application has configured when it was imported stays as it is: the root logger if it
    has handlers, the logger "sock" if it has handlers or a level.

    Args:
        level: the lowest that is shown.
        form: "text" or "json".
        access: whether to show a line for each answer and each connection's beginning and end.
    """
    level = level.upper()
    own = {"handlers": ["sock"], "propagate": False}
    wanted: dict[str, Any] = {
        "uvicorn": {**own, "level": level},
        # Where it listens is told at any level, so the filter judges.
        _ERROR: {"level": "INFO" if level != "DEBUG" else level, "filters": ["sock"]},
        _ACCESS: {**own, "level": "INFO" if access else "WARNING", "filters": ["sock"]},
        "uvicorn.asgi": {"level": level},
        "sock.access": {"level": "INFO" if access else "WARNING"},
    }
    if not loggers.log.handlers:
        kept = loggers.log.level or level
        wanted["sock"] = {**own, "level": kept}
    configured: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"sock": {"()": f"sock.observe.formats.{form.capitalize()}Formatter"}},
        "filters": {"sock": {"()": f"{__name__}.Filter", "level": level}},
        "handlers": {
            "sock": {
                "class": "logging.StreamHandler",
                "formatter": "sock",
                "stream": "ext://sys.stderr",
            },
        },
        "loggers": wanted,
    }
    root = logging.getLogger()
    if not root.handlers:
        unset = root.level == logging.WARNING  # as it is where nobody has set it
        configured["root"] = {"handlers": ["sock"], **({"level": level} if unset else {})}
    return configured


@final
class Filter(logging.Filter):
    """Makes uvicorn's records such as Sock's: with fields for JSON, and without tokens.

    Args:
        level: the lowest that is shown.
    """

    def __init__(self, level: str) -> None:
        super().__init__()
        self._level: int = logging.getLevelNamesMapping()[level]
        # They are the log of this process: an application's own configuration of logging, which
        # comes later in a worker, must not disable them.
        for name in ("uvicorn", _ERROR, _ACCESS, "asyncio"):
            loggers.never_disabled(name)

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is shown."""
        started = str(record.msg).startswith(_STARTED)
        if record.levelno < self._level and not started and record.name == _ERROR:
            return False
        args: Any = record.args
        if started:
            record.event = "server.started"
            record.fields = {"url": record.getMessage().removeprefix(_STARTED).partition(" (")[0]}
        elif record.name == _ACCESS and isinstance(args, tuple) and len(args) == 5:  # pyright: ignore[reportUnknownArgumentType] - a record's are whatever was logged
            client, method, target, version, status = cast("tuple[Any, ...]", args)
            target = loggable_target(str(target))
            record.args = (client, method, target, version, status)
            record.event = "request.answered"
            record.fields = {
                "client": client,
                "method": method,
                "target": target,
                "status": status,
            }
        return True
