"""What the host reports: each record that its process gives to `logging`, and what it has dropped.

A host may report to something else than a log; the cases that look for reports can only be tried
where it is the log of Python. What it has dropped may also be in an event of our telemetry.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from sock import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX: Final = 4096

_texts: Final[deque[str]] = deque(maxlen=_MAX)
_count = 0
_watching: Callable[[], None] | None = None


def watch() -> None:
    """Keep what is reported from now on. Called for each run, as a test may take it back."""
    global _watching  # noqa: PLW0603 - one for the process, as its log is
    if _watching is None:
        _watch_log()
    else:
        _watching()
    _watching = telemetry.subscribe(_dropped)


def _watch_log() -> None:
    before = logging.getLogRecordFactory()

    # Loggers may be kept from their ancestors, and handlers are the program's own; but every record
    # is made by the factory, and once.
    def made(*args: Any, **named: Any) -> logging.LogRecord:
        record = before(*args, **named)
        _note(_text(record))
        return record

    logging.setLogRecordFactory(made)


def reported(mark: int, about: str) -> list[str]:
    """Return the reports since a mark that contain a text."""
    fresh = max(0, len(_texts) - (_count - mark))
    return [text for text in list(_texts)[fresh:] if about in text]


def counts_dropped(report: str, count: int) -> bool:
    """Tell whether a report says that so many messages were dropped.

    >>> counts_dropped("GET /chat closed, lived 0.2 s, 2 messages dropped", 2)
    True
    >>> counts_dropped("/chat: dropped=12", 2)
    False
    """
    number = rf"(?<![.\d]){count}(?![.\d])"
    return bool(re.search(rf"{number}\D*\bdropped\b|\bdropped\b\D*{number}", report))


def private_text(run: str) -> str:
    """Return the text of an exception by which a report of it is found, and a leak of it."""
    return f"not to be told to the peer: {run}"


def mark() -> int:
    """Return how many reports there were until now."""
    return _count


def _note(text: str) -> None:
    global _count  # noqa: PLW0603 - as above
    _count += 1
    _texts.append(text)


def _text(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit: the handlers will say so
        message = str(record.msg)
    lines = [f"{record.levelname} {message}"]
    if record.exc_info and record.exc_info[1] is not None:
        lines += traceback.format_exception(record.exc_info[1])
    return "\n".join(lines)


def _dropped(event: str, fields: Mapping[str, Any]) -> None:
    if event == "connection.closed" and fields["dropped"]:
        _note(f"{fields['dropped']} messages dropped: {fields['request'].target}")
