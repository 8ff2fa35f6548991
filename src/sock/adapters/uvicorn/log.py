"""uvicorn's log beside Sock's: one line for each event, and no token in it.

    event                                 `sock run`                     uvicorn with our protocol
    ------------------------------------  -----------------------------  ---------------------------
    a Sock begins                         Sock's line, if asked for      uvicorn's, unless the level
                                                                         of "sock.access" was set
    a Sock ends                           Sock's line, if asked for      Sock's line, if asked for
    a Sock's handshake is refused         Sock's line                    Sock's line
    another WebSocket begins, is refused  uvicorn's                      uvicorn's
    an ordinary request                   uvicorn's, if asked for        unchanged
    a line of the application             in the same form               unchanged

The values of query strings are masked in all lines but the unchanged ones.
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
    from sock.adapters.asgi.event import Scope
    from sock.hosting.takeover import Takeover

_ERROR: Final = "uvicorn.error"
_ACCESS: Final = "uvicorn.access"
_STARTED: Final = "Uvicorn running on "

_log: Final = logging.getLogger(_ERROR)


def accepted(scope: Scope) -> None:
    """Log that a Sock was accepted, as uvicorn does, unless Sock's access log has that line."""
    if loggers.access_log_configured():
        return
    path = loggable_target(get_path_with_query_string(cast("Any", scope)))
    _log.info('%s - "WebSocket %s" [accepted]', get_client_addr(cast("Any", scope)), path)


def follow(protocol: Any, takeover: Takeover) -> None:
    """Mask the lines of uvicorn's built-in WebSocket protocol, and leave out those of refusals.

    Args:
        protocol: of one connection.
        takeover: the one that is offered to the application.
    """
    protocol.logger = _MaskingLogger(protocol.logger, takeover)
    wire: Any = getattr(protocol, "conn", None)
    if hasattr(wire, "logger"):  # the protocol with websockets has a second logger
        wire.logger = _MaskingLogger(wire.logger, takeover)


@final
class _MaskingLogger:
    """A logger of one connection."""

    __slots__ = ("_logger", "_takeover")

    def __init__(self, logger: Any, takeover: Takeover) -> None:
        self._logger = logger
        # A strong reference would be a cycle, which would keep a connection that has ended.
        self._takeover = weakref.ref(takeover)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logger, name)

    def info(self, message: str, *args: Any, **more: Any) -> None:
        """Log a line, unless it is of a refusal that Sock has logged in its own words."""
        takeover = self._takeover()
        if takeover is None or not takeover.refusal_reported:
            self._logger.info(message, *_masked(message, args), **more)

    def debug(self, message: str, *args: Any, **more: Any) -> None:
        """Log a line about bytes on the wire."""
        self._logger.debug(message, *_masked(message, args), **more)


def _masked(message: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if message in {"< %s: %s", "> %s: %s"} and len(args) == 2:
        return args[0], masked_header(str(args[0]), str(args[1]))
    if "WebSocket %s" in message or message == "< %s %s %s":
        return tuple([loggable_target(arg) if isinstance(arg, str) else arg for arg in args])
    return args


# The whole log in the form of Sock's.


def log_config(form: str = "json", *, level: str = "info", access: bool = True) -> dict[str, Any]:
    """Return a configuration of logging for `uvicorn.run(…, log_config=…)`.

    The lines of Sock, of uvicorn and of the application are then on stderr in one form. What the
    application has configured before, for the root logger and for "sock", stays as it is.

    Args:
        form: "json" for one object a line, or "text".
        level: the lowest level that is shown, such as "info".
        access: whether to show a line for each answer and each connection's beginning and end.
    """
    return config(level, form, access=access)


def config(level: str, form: str, *, access: bool) -> dict[str, Any]:
    """Return the configuration of logging for each process that serves.

    It leaves the loggers alone that the application has configured when it was imported: the root
    logger if it has handlers, the logger "sock" if it has handlers or a level.

    Args:
        level: the lowest level that is shown.
        form: "text" or "json".
        access: whether to show a line for each answer and each connection's beginning and end.
    """
    level = level.upper()
    own = {"handlers": ["sock"], "propagate": False}
    wanted: dict[str, Any] = {
        "uvicorn": {**own, "level": level},
        # The line that tells the address is shown at every level, so the filter decides.
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
        unset = root.level == logging.WARNING  # the level that a root logger has by default
        configured["root"] = {"handlers": ["sock"], **({"level": level} if unset else {})}
    return configured


@final
class Filter(logging.Filter):
    """Gives uvicorn's records the form of Sock's: with fields for JSON, and without tokens.

    Args:
        level: the lowest level that is shown.
    """

    def __init__(self, level: str) -> None:
        super().__init__()
        self._level: int = logging.getLevelNamesMapping()[level]
        # These loggers are the log of this process. In a worker, the application's configuration of
        # logging comes later than this one, and must not disable them.
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
            url = record.getMessage().removeprefix(_STARTED).partition(" (")[0]
            record.fields = {"urls": [url]}
        elif record.name == _ACCESS and isinstance(args, tuple) and len(args) == 5:  # pyright: ignore[reportUnknownArgumentType] - a record has any arguments
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
