"""The one subscriber of telemetry that logs.

Nothing in Sock logs; what is worth a line is told here, to the logger "sock", or "sock.access" for
the lines of the access log. Our own server subscribes while it serves, an adapter for good.

    event                                 level
    ------------------------------------  -------------------------------------------------------
    callback.failed, handshake.failed     error, with the traceback
    callback.slow, callback.abandoned     warning
    accept.paused, a drain that cut       warning
    host.limited, server.left             warning
    connection.closed: too slow, too full warning
    connection.closed: the peer's fault   info
    handshake.refused                     info; an answer, not a crash
    server.*                              info
    request.refused                       debug: the noise of the internet
    connection.opened, connection.closed  info in the access log
    request.answered                      info in the access log

What a peer says is quoted, so that it cannot begin a line of its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any, Final, final

from sock import telemetry
from sock.spec import Failed, MailboxFull, PeerTooSlow, ProtocolError, Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from sock.spec import Reason, Request

LEVELS: Final = ("debug", "info", "warning", "error", "critical")

_log: Final = logging.getLogger("sock")
_access: Final = logging.getLogger("sock.access")
_asyncio: Final = logging.getLogger("asyncio")

if _access.level == logging.NOTSET:
    # A line for every connection is for those who ask: `access_log=True`, or this level at INFO.
    _access.setLevel(logging.WARNING)

_installed = 0
_attached = False
_unsubscribe: Callable[[], None] | None = None


@contextlib.contextmanager
def logged() -> Generator[None]:
    """Log what happens, as long as at least one server of the process is inside."""
    global _installed, _unsubscribe  # noqa: PLW0603 - telemetry is the process', and a line is one
    _installed += 1
    if _unsubscribe is None:
        _unsubscribe = telemetry.subscribe(_tell)
    try:
        yield
    finally:
        _installed -= 1
        if not _installed and _unsubscribe is not None:
            _unsubscribe()
            _unsubscribe = None


def attach() -> None:
    """Log what happens, for good: in somebody else's server there is no end to wait for."""
    global _attached, _installed, _unsubscribe  # noqa: PLW0603 - as below
    if not _attached:
        _attached = True
        _installed += 1
        if _unsubscribe is None:
            _unsubscribe = telemetry.subscribe(_tell)


@contextlib.contextmanager
def shown(level: str, form: str, *, access: bool) -> Generator[None]:
    """Show the log on stderr.

    Args:
        level: the lowest shown, one of `LEVELS`.
        form: "text" or "json", which has one object a line.
        access: whether to show a line for each answer, and for each connection's beginning and end.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if form == "json" else _TextFormatter())
    before = _log.level, _log.propagate, _access.level
    _log.addHandler(handler)
    _asyncio.addFilter(_is_news)
    if not _asyncio.hasHandlers():  # else the program has its own way to show it
        _asyncio.addHandler(handler)
    _log.setLevel(level.upper())
    _log.propagate = False
    _access.setLevel(logging.INFO if access else logging.WARNING)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        _asyncio.removeHandler(handler)
        _asyncio.removeFilter(_is_news)
        level_before, _log.propagate, access_before = before
        _log.setLevel(level_before)
        _access.setLevel(access_before)
        handler.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what asyncio says of a slow callback of ours in debug mode: `callback.slow` named it."""
    if not str(record.msg).startswith("Executing "):
        return True
    told = record.getMessage()
    return "Epoll.poll" not in told and "/sock/runtime/" not in told


def announce(url: str) -> None:
    """Say where the server listens, whatever the level: whoever started it waits for this line."""
    _log.handle(_record(_log, logging.INFO, "server.started", f"listening on {url}", {"url": url}))


def _record(
    logger: logging.Logger,
    level: int,
    event: str,
    message: str,
    fields: Mapping[str, Any],
    error: BaseException | None = None,
) -> logging.LogRecord:
    told = None if error is None else (type(error), error, error.__traceback__)
    extra = {"event": event, "fields": fields}
    return logger.makeRecord(logger.name, level, "sock", 0, message, (), told, None, extra)


def _tell(event: str, fields: Mapping[str, Any]) -> None:
    line = _LINES.get(event)
    if line is not None:
        line(event, fields)


def _line(
    logger: logging.Logger,
    level: int,
    event: str,
    message: str,
    fields: Mapping[str, Any],
    error: BaseException | None = None,
) -> None:
    if logger.isEnabledFor(level):
        logger.handle(_record(logger, level, event, message, fields, error))


# The lines, one function for each event.


def _failed(event: str, fields: Mapping[str, Any]) -> None:
    place = fields.get("place") or "the application"
    error: BaseException = fields["error"]
    message = f"{_named(fields['request'])}: {place} raised {type(error).__name__}"
    shown = {**_request_fields(fields["request"]), "place": place, "error": _repr(error)}
    _line(_log, logging.ERROR, event, message, shown, error)


def _repr(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:  # noqa: BLE001 - the traceback says what can be said
        return type(error).__name__


def _slow(event: str, fields: Mapping[str, Any]) -> None:
    where = fields.get("where", "?")
    message = (
        f"{fields['place']} blocked the event loop for {fields['seconds'] * 1000:.0f} ms ({where});"
        " asyncio.to_thread runs what blocks elsewhere"
    )
    _line(_log, logging.WARNING, event, message, dict(fields))


def _abandoned(event: str, fields: Mapping[str, Any]) -> None:
    message = f"{_named(fields['request'])}: {fields['place']} did not end when it was cancelled"
    shown = {**_request_fields(fields["request"]), "place": fields["place"]}
    _line(_log, logging.WARNING, event, message, shown)


def _refused(event: str, fields: Mapping[str, Any]) -> None:
    status, detail = fields["status"], fields["detail"]
    message = f"{_named(fields['request'])} refused with {status}: {detail}"
    shown = {**_request_fields(fields["request"]), "status": status, "detail": detail}
    _line(_log, logging.INFO, event, message, shown)


def _malformed(event: str, fields: Mapping[str, Any]) -> None:
    client = _address(fields["client"])
    message = f"{client} refused with {fields['status']}: {fields['detail']}"
    shown = {"client": client, "status": fields["status"], "detail": fields["detail"]}
    _line(_log, logging.DEBUG, event, message, shown)


def _answered(event: str, fields: Mapping[str, Any]) -> None:
    if not _access.isEnabledFor(logging.INFO):
        return
    message = f"{_named(fields['request'])} {fields['status']} {fields['size']}"
    shown = {
        **_request_fields(fields["request"]),
        "status": fields["status"],
        "size": fields["size"],
    }
    _line(_access, logging.INFO, event, message, shown)


def _opened(event: str, fields: Mapping[str, Any]) -> None:
    if _access.isEnabledFor(logging.INFO):
        request = fields["request"]
        _line(_access, logging.INFO, event, f"{_named(request)} 101", _request_fields(request))


def _closed(event: str, fields: Mapping[str, Any]) -> None:
    reason: Reason = fields["reason"]
    if not isinstance(reason, Failed) and not _access.isEnabledFor(logging.INFO):
        return
    code, dropped = fields["code"], fields["dropped"]
    said = "closed" if code is None else f"closed {code}"
    message = f"{_named(fields['request'])} {said} {_because(reason)}"
    if dropped:
        message += f", {dropped} messages dropped"
    shown = {
        **_request_fields(fields["request"]),
        "code": code,
        "reason": type(reason).__name__,
        "detail": _because(reason),
        "dropped": dropped,
    }
    level = None
    if isinstance(reason, Failed):
        if isinstance(reason.error, (MailboxFull, PeerTooSlow)):
            level = logging.WARNING
        elif isinstance(reason.error, ProtocolError):
            level = logging.INFO
    if level is not None and not _access.isEnabledFor(logging.INFO):
        _line(_log, level, event, message, shown)
    else:
        _line(_access, level or logging.INFO, event, message, shown)


def _draining(event: str, fields: Mapping[str, Any]) -> None:
    count, seconds = fields["connections"], fields.get("seconds")
    message = f"stopping, {count} connection{'' if count == 1 else 's'}"
    if count and seconds is not None:
        message += f", {seconds:g} s at most"
    _line(_log, logging.INFO, event, message, dict(fields))


def _stopped(event: str, fields: Mapping[str, Any]) -> None:
    cut = fields["connections"]
    message = f"stopped, {cut} connections cut" if cut else "stopped"
    _line(_log, logging.WARNING if cut else logging.INFO, event, message, dict(fields))


def _left(event: str, fields: Mapping[str, Any]) -> None:
    named = [f"the {kind[:-1]} {name}" for kind in ("tasks", "threads") for name in fields[kind]]
    message = f"not waited for any longer: {', '.join(named)}"
    _line(_log, logging.WARNING, event, message, dict(fields))


def _paused(event: str, fields: Mapping[str, Any]) -> None:
    error, seconds = fields["error"], fields["seconds"]
    message = f"accepting nothing for {seconds:g} s: {error.strerror or error}"
    _line(_log, logging.WARNING, event, message, {"error": str(error), "seconds": seconds})


def _limited(event: str, fields: Mapping[str, Any]) -> None:
    message = (
        f"{fields['handler']} has {fields['needed']}, which {fields['host']} cannot serve:"
        f" {fields['instead']}"
    )
    shown = {name: fields[name] for name in ("handler", "host", "needed", "instead")}
    _line(_log, logging.WARNING, event, message, shown)


_LINES: Final[dict[str, Callable[[str, Mapping[str, Any]], None]]] = {
    "callback.failed": _failed,
    "handshake.failed": _failed,
    "callback.slow": _slow,
    "callback.abandoned": _abandoned,
    "handshake.refused": _refused,
    "request.refused": _malformed,
    "request.answered": _answered,
    "connection.opened": _opened,
    "connection.closed": _closed,
    "server.draining": _draining,
    "server.stopped": _stopped,
    "server.left": _left,
    "accept.paused": _paused,
    "host.limited": _limited,
}


def _because(reason: Reason) -> str:
    match reason:
        case Remote(code, detail):
            return f"by the peer, {code} {detail!r}" if detail else f"by the peer, {code}"
        case Failed(error):
            # An exception of the handler has had its traceback.
            told = f": {error}" if isinstance(error, ProtocolError) else ""
            return f"after {type(error).__name__}{told}"
        case _:
            return type(reason).__name__.lower()


def _address(address: tuple[str, int] | None) -> str:
    if address is None:
        return "-"
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _named(request: Request) -> str:
    return f"{_address(request.client)} {request.method} {ascii(request.target)[1:-1]}"


def _request_fields(request: Request) -> dict[str, Any]:
    return {
        "client": _address(request.client),
        "method": request.method,
        "target": request.target,
    }


# The two forms.


@final
class _TextFormatter(logging.Formatter):
    """`12:34:56.789 warning  what happened`, a traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = record.levelname.lower()
        line = f"{clock}.{record.msecs:03.0f} {level:<8} {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


@final
class _JsonFormatter(logging.Formatter):
    """One object a line: time, level, event, message, what else is known, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, Any] = {
            "time": f"{clock}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)
