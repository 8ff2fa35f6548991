"""The two forms of a line: text and JSON, of Sock's own records and of everybody's.

The records of the application, of asyncio and of uvicorn have the same forms as ours, so that the
log of a process has one form throughout.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final, final

from .identity import current_id

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOSTS: Final = ("sock", "uvicorn")
"""Loggers whose name is left out of the line, because the message shows where it comes from."""

_OF_EVERY_RECORD: Final = frozenset(
    vars(logging.LogRecord("", 0, "", 0, "", (), None)).keys()
    | {"message", "asctime", "taskName", "color_message", "event", "fields", "connection_id"}
)
"""Attributes that the program has not added (`extra=`); the last four are added by hosts."""


def formatter(form: str) -> logging.Formatter:
    """Return the formatter of a form, "text" or "json"."""
    return JsonFormatter() if form == "json" else TextFormatter()


@final
class TextFormatter(logging.Formatter):
    """`12:34:56.789 warning  what happened`, a traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line, and those of the traceback."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = record.levelname.lower()
        name = "" if _of_a_host(record) else f"{record.name}: "
        if name and (connection := current_id()) is not None:
            name = f"{connection} {name}"
        line = f"{clock}.{record.msecs:03.0f} {level:<8} {name}{record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            line += "\n" + self.formatStack(record.stack_info)
        return line


@final
class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, event, message, more fields, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return an object in one line."""
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, Any] = {
            "time": f"{clock}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.name,
            "message": record.getMessage(),
        }
        more: Mapping[str, Any]
        if _of_a_host(record):
            fields["event"] = getattr(record, "event", record.name)
            more = getattr(record, "fields", {})
        else:
            more = {name: value for name, value in vars(record).items() if _is_extra(name)}
            if (connection := current_id()) is not None:
                more = {"id": connection, **more}
        fields |= {name: value for name, value in more.items() if name not in fields}
        fields.setdefault("pid", record.process)  # several workers write into one log
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return _dumped(fields)


def _of_a_host(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in _HOSTS


def _is_extra(name: str) -> bool:
    return name not in _OF_EVERY_RECORD


def _dumped(fields: Mapping[str, Any]) -> str:
    try:
        return json.dumps(fields, default=str, skipkeys=True)
    except (ValueError, RecursionError):  # the application has added a value that contains itself
        return json.dumps({name: str(value) for name, value in fields.items()})
