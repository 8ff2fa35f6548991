"""The two forms of a line: text and JSON, of Sock's own records and of everybody's.

The application's records, asyncio's and uvicorn's have the same forms as ours, so that what reads
the log of a process finds one.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOSTS: Final = ("sock", "uvicorn")
"""Whose lines stand without the name of their logger: what they say shows where it is from."""

_OF_EVERY_RECORD: Final = frozenset(
    vars(logging.LogRecord("", 0, "", 0, "", (), None)).keys()
    | {"message", "asctime", "taskName", "color_message", "event", "fields"}
)
"""What is no addition of the program's (`extra=`) to a record; the last three are the hosts'."""


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
        line = f"{clock}.{record.msecs:03.0f} {level:<8} {name}{record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            line += "\n" + self.formatStack(record.stack_info)
        return line


@final
class JsonFormatter(logging.Formatter):
    """One object a line: time, level, event, message, what else is known, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return an object in one line."""
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told: dict[str, Any] = {
            "time": f"{clock}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.name,
            "message": record.getMessage(),
        }
        more: Mapping[str, Any]
        if _of_a_host(record):
            told["event"] = getattr(record, "event", record.name)
            more = getattr(record, "fields", {})
        else:
            more = {name: value for name, value in vars(record).items() if _is_extra(name)}
        told |= {name: value for name, value in more.items() if name not in told}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            told["stack"] = self.formatStack(record.stack_info)
        return _dumped(told)


def _of_a_host(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in _HOSTS


def _is_extra(name: str) -> bool:
    return name not in _OF_EVERY_RECORD


def _dumped(told: Mapping[str, Any]) -> str:
    try:
        return json.dumps(told, default=str, skipkeys=True)
    except (ValueError, RecursionError):  # a cycle in what the application has added
        return json.dumps({name: str(value) for name, value in told.items()})
