"""The lines of the log, one function for each event.

No other room of Sock logs. The functions here write to the logger "sock", and the lines of the
access log to "sock.access".

    event                                 level
    ------------------------------------  -------------------------------------------------------
    callback.failed, handshake.failed,    error, with the traceback
    channel.crashed
    callback.slow, callback.abandoned     warning
    accept.paused, a drain that cut       warning; a line for each thing that has held it up
    proxy.refused                         warning
    host.limited, server.*: left, blocked warning
    connection.closed: too slow, too full warning
    connection.closed: the peer's fault   info
    handshake.refused                     info; an answer, not a crash
    server.*                              info
    worker.*, reload.*, control.*         as `worker_lines` says
    pubsub.*                              as `pubsub_lines` says
    tls.unchanged                         error, in one line
    tls.failed, tls.reloaded              info
    tls.unexpected, forwarded.ignored     info once an hour, then debug
    request.refused                       debug: random requests from the internet
    connection.opened, connection.closed  info in the access log
    request.answered                      info in the access log

A text from a peer is quoted, so that it cannot begin a line of its own. The values in a query
string are masked, because tokens are among them, unless `SOCK_LOG_QUERY` is set or
`show_query_values` was called.
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Failed, MailboxFull, PeerTooSlow, ProtocolError, Remote
from sock.spec.masking import masked_target

from . import loggers, pubsub_lines, seldom, worker_lines
from .identity import loggable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sock.spec import Reason, Request

_log: Final = loggers.log
_access: Final = loggers.access

_TRUE: Final = frozenset(("1", "true", "t", "yes", "y", "on"))
"""As the command line reads its variables."""

_query_values_shown = False


def show_query_values(*, shown: bool) -> bool:
    """Set whether lines have the values in query strings; return the setting before."""
    global _query_values_shown
    before, _query_values_shown = _query_values_shown, shown
    return before


def loggable_target(target: str) -> str:
    """Return the target of a request in the form in which it may be logged."""
    if _query_values_shown or os.environ.get("SOCK_LOG_QUERY", "").lower() in _TRUE:
        return target
    return masked_target(target)


def write_line(event: str, fields: Mapping[str, Any]) -> None:
    """Write the line of an event, if it has one."""
    line = _LINES.get(event)
    if line is not None:
        line(event, fields)
        return
    described = worker_lines.described(event, fields) or pubsub_lines.described(event, fields)
    if described is not None:
        level, message, details = described
        _line(_log, level, event, message, details)


def record(
    logger: logging.Logger,
    level: int,
    event: str,
    message: str,
    fields: Mapping[str, Any],
    error: BaseException | None = None,
) -> logging.LogRecord:
    """Return a record that the text form and the JSON form of the log can show."""
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    extra = {"event": event, "fields": fields}
    return logger.makeRecord(logger.name, level, "sock", 0, message, (), exc_info, None, extra)


def _line(
    logger: logging.Logger,
    level: int,
    event: str,
    message: str,
    fields: Mapping[str, Any],
    error: BaseException | None = None,
) -> None:
    if loggers.access_log_enabled() if logger is _access else logger.isEnabledFor(level):
        logger.handle(record(logger, level, event, message, fields, error))


# The lines, one function for each event.


def _failed(event: str, fields: Mapping[str, Any]) -> None:
    place = fields.get("place") or "the application"
    error: BaseException = fields["error"]
    message = f"{_named(fields['request'])}: {place} raised {type(error).__name__}"
    details = {**_request_fields(fields["request"]), "place": place, "error": _repr(error)}
    if "topic" in fields:  # a client has chosen it
        message += f" on {fields['topic']!r}"
        details["topic"] = fields["topic"]
    _line(_log, logging.ERROR, event, message, details, error)


def _repr(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:  # noqa: BLE001 - a broken __repr__; the traceback is logged anyhow
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
    details = {**_request_fields(fields["request"]), "place": fields["place"]}
    _line(_log, logging.WARNING, event, message, details)


def _refused(event: str, fields: Mapping[str, Any]) -> None:
    status, detail = fields["status"], fields["detail"]
    message = f"{_named(fields['request'])} refused with {status}: {detail}"
    details = {**_request_fields(fields["request"]), "status": status, "detail": detail}
    _line(_log, logging.INFO, event, message, details)


def _malformed(event: str, fields: Mapping[str, Any]) -> None:
    client = _address(fields["client"])
    message = f"{client} refused with {fields['status']}: {fields['detail']}"
    details = {"client": client, "status": fields["status"], "detail": fields["detail"]}
    _line(_log, logging.DEBUG, event, message, details)


def _tls_failed(event: str, fields: Mapping[str, Any]) -> None:
    client = _address(fields["client"])
    message = f"{client} refused, TLS: {fields['detail']}"
    _line(_log, logging.INFO, event, message, {"client": client, "detail": fields["detail"]})


def _tls_unexpected(event: str, fields: Mapping[str, Any]) -> None:
    client = _address(fields["client"])
    message = (
        f"{client} speaks TLS, but this port speaks plain HTTP: clients say http:// or ws://,"
        " or the server is given --certificate and --key"
    )
    _seldom(event, message, {"client": client})


def _not_believed(event: str, fields: Mapping[str, Any]) -> None:
    client, names = _address(fields["client"]), ", ".join(fields["fields"])
    if fields["trusted"]:
        why = (
            "the two kinds contradict each other; let the proxy remove the one that it does not set"
        )
    else:
        why = (
            "the client is not trusted; if it is a proxy of yours, name it in --forwarded-allow-ips"
        )
    details = {"client": client, "fields": names, "trusted": fields["trusted"]}
    _seldom(event, f"{client} has sent {names}, which are ignored: {why}", details)


def _seldom(event: str, message: str, details: Mapping[str, Any]) -> None:
    """Write a line that a stranger can cause: at level info once an hour."""
    level = logging.DEBUG
    if _log.isEnabledFor(logging.INFO) and seldom.is_due(event, time.monotonic()):
        level, message = logging.INFO, f"{message} (this line comes once an hour)"
    _line(_log, level, event, message, details)


def _tls_reloaded(event: str, fields: Mapping[str, Any]) -> None:
    count = fields["certificates"]
    message = f"read again: {count} certificate{'' if count == 1 else 's'}"
    _line(_log, logging.INFO, event, message, dict(fields))


def _tls_not_reloaded(event: str, fields: Mapping[str, Any]) -> None:
    error: BaseException = fields["error"]
    message = f"the certificates stay as they are: {error}"
    _line(_log, logging.ERROR, event, message, {"error": str(error)})


def _answered(event: str, fields: Mapping[str, Any]) -> None:
    if not loggers.access_log_enabled():
        return
    message = f"{_named(fields['request'])} {fields['status']} {fields['size']}"
    details = {
        **_request_fields(fields["request"]),
        "status": fields["status"],
        "size": fields["size"],
    }
    _line(_access, logging.INFO, event, message, details)


def _opened(event: str, fields: Mapping[str, Any]) -> None:
    if loggers.access_log_enabled():
        request = fields["request"]
        _line(_access, logging.INFO, event, f"{_named(request)} 101", _request_fields(request))


def _closed(event: str, fields: Mapping[str, Any]) -> None:
    reason: Reason = fields["reason"]
    if not isinstance(reason, Failed) and not loggers.access_log_enabled():
        return
    code, dropped, seconds = fields["code"], fields["dropped"], fields["seconds"]
    closed = "closed" if code is None else f"closed {code}"
    message = (
        f"{_named(fields['request'])} {closed} {_because(reason)}, lived {seconds:.3f} s,"
        f" received {_counted(fields, 'received')}, sent {_counted(fields, 'sent')}"
    )
    if dropped:
        message += f", {dropped} messages dropped"
    details = {
        **_request_fields(fields["request"]),
        "code": code,
        "reason": type(reason).__name__,
        "detail": _because(reason),
        "seconds": round(seconds, 3),
        "dropped": dropped,
        "received_messages": fields["received_messages"],
        "received_bytes": fields["received_bytes"],
        "sent_messages": fields["sent_messages"],
        "sent_bytes": fields["sent_bytes"],
    }
    level = None
    if isinstance(reason, Failed):
        if isinstance(reason.error, (MailboxFull, PeerTooSlow)):
            level = logging.WARNING
        elif isinstance(reason.error, ProtocolError):
            level = logging.INFO
    if level is not None and not loggers.access_log_enabled():
        _line(_log, level, event, message, details)
    else:
        _line(_access, level or logging.INFO, event, message, details)


def _counted(fields: Mapping[str, Any], direction: str) -> str:
    messages, size = fields[f"{direction}_messages"], fields[f"{direction}_bytes"]
    return f"{messages} message{'' if messages == 1 else 's'} ({size} bytes)"


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


def _blocked(event: str, fields: Mapping[str, Any]) -> None:
    message = (
        f"{fields['place']} ({fields['where']}) blocks the event loop, so the stop cannot begin;"
        " a second signal ends the process"
    )
    _line(_log, logging.WARNING, event, message, dict(fields))


def _drain_cut(event: str, fields: Mapping[str, Any]) -> None:
    count, request = fields["connections"], fields["request"]
    message = f"cut {count} connection{'' if count == 1 else 's'}: {_held_up(fields)}"
    details = {
        name: fields[name]
        for name in ("connections", "held_by", "handler", "place", "seconds", "pending")
    }
    if request is not None:
        message += f" ({'' if count == 1 else 'one of them: '}{_named(request)})"
        details |= _request_fields(request)
    _line(_log, logging.WARNING, event, message, details)


def _held_up(fields: Mapping[str, Any]) -> str:
    """Say what has held up the end of the connections that a drain has cut."""
    seconds, pending = fields["seconds"], fields["pending"]
    lasted = "" if seconds is None else f" after {seconds:.1f} s"
    match fields["held_by"]:
        case "stream":
            return f"a stream of {fields['place']} had not ended{lasted}"
        case "task":
            return f"a task that {fields['handler']} has spawned had not ended{lasted}"
        case "application":
            return "the application had not answered the request"
        case "peer" if pending:
            return f"the peer had not taken {pending} bytes"
        case "peer":
            return "the peer had not closed its side"
        case _:
            return f"{fields['place']} had not ended{lasted}"


def _left(event: str, fields: Mapping[str, Any]) -> None:
    named = [f"the {kind[:-1]} {name}" for kind in ("tasks", "threads") for name in fields[kind]]
    message = f"not waited for any longer: {', '.join(named)}"
    _line(_log, logging.WARNING, event, message, dict(fields))


def _no_proxy(event: str, fields: Mapping[str, Any]) -> None:
    client = _address(fields["client"])
    message = f"{client} closed: {fields['detail']} (--proxy-protocol)"
    _line(_log, logging.WARNING, event, message, {"client": client, "detail": fields["detail"]})


def _paused(event: str, fields: Mapping[str, Any]) -> None:
    error, seconds = fields["error"], fields["seconds"]
    message = f"accepting nothing for {seconds:g} s: {error.strerror or error}"
    _line(_log, logging.WARNING, event, message, {"error": str(error), "seconds": seconds})


def _limited(event: str, fields: Mapping[str, Any]) -> None:
    message = (
        f"{fields['handler']} has {fields['needed']}, which {fields['host']} cannot serve:"
        f" {fields['instead']}"
    )
    details = {name: fields[name] for name in ("handler", "host", "needed", "instead")}
    _line(_log, logging.WARNING, event, message, details)


_LINES: Final[dict[str, Callable[[str, Mapping[str, Any]], None]]] = {
    "callback.failed": _failed,
    "channel.crashed": _failed,
    "handshake.failed": _failed,
    "callback.slow": _slow,
    "callback.abandoned": _abandoned,
    "handshake.refused": _refused,
    "request.refused": _malformed,
    "tls.failed": _tls_failed,
    "tls.unexpected": _tls_unexpected,
    "tls.reloaded": _tls_reloaded,
    "tls.unchanged": _tls_not_reloaded,
    "request.answered": _answered,
    "connection.opened": _opened,
    "connection.closed": _closed,
    "server.draining": _draining,
    "server.blocked": _blocked,
    "drain.cut": _drain_cut,
    "server.stopped": _stopped,
    "server.left": _left,
    "accept.paused": _paused,
    "forwarded.ignored": _not_believed,
    "proxy.refused": _no_proxy,
    "host.limited": _limited,
}


def _because(reason: Reason) -> str:
    match reason:
        case Remote(code, detail):
            return f"by the peer, {code} {detail!r}" if detail else f"by the peer, {code}"
        case Failed(error):
            # The traceback of an exception of the handler was logged before.
            detail = f": {_printable(str(error))}" if isinstance(error, ProtocolError) else ""
            return f"after {type(error).__name__}{detail}"
        case _:
            return type(reason).__name__.lower()


def _printable(text: str) -> str:
    """Escape what may begin a line: an error of typed messages may quote a word of the peer's."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _address(address: tuple[str, int] | None) -> str:
    if address is None:
        return "-"
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _named(request: Request) -> str:
    target = ascii(loggable_target(request.target))[1:-1]
    return f"{loggable_id(request)} {_address(request.client)} {request.method} {target}"


def _request_fields(request: Request) -> dict[str, Any]:
    return {
        "id": loggable_id(request),
        "client": _address(request.client),
        "method": request.method,
        "target": loggable_target(request.target),
    }
