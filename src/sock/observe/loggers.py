"""The loggers that Sock writes to, and what may silence them.

    the program                                     the logger "sock"
    ----------------------------------------------  -----------------------------------------------
    sets its level, its handlers, `propagate`       does as it is told
    sets `disabled`, calls `logging.disable`        is silent
    calls dictConfig or fileConfig, which disable   goes on as before: the program has not named it,
    every logger that they do not name              and a server without tracebacks helps nobody
    configures nothing                              warnings and errors reach `logging.lastResort`

"sock.access" has a line for each answer and connection, which is for those who ask: by its level,
by a handler of its own, or with `access_log=True`.
"""

from __future__ import annotations

import inspect
import logging
from typing import Any, Final


class _Kept(logging.Logger):
    """A logger that `logging.config` does not disable because it is not named there."""

    def __setattr__(self, name: str, value: object) -> None:
        # `disable_existing_loggers` is on where nobody turns it off, and it leaves no other trace
        # of who has set this.
        if name == "disabled" and value and _caller() == "logging.config":
            return
        super().__setattr__(name, value)


def _caller() -> object:
    """Return the module of who has called the caller of this."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = None if frame is None else frame.f_back
    return None if frame is None else frame.f_globals.get("__name__")


def kept(name: str) -> logging.Logger:
    """Return the logger of that name, which `disable_existing_loggers` does not silence.

    It is the one that everybody gets by that name, and enabled, whatever was configured before.
    """
    logger = logging.getLogger(name)
    kind: Any = type(logger)
    if not issubclass(kind, _Kept):
        # Its class, as others hold the logger already, or will get it by its name.
        logger.__class__ = type(kind.__name__, (_Kept, kind), {})
        logger.disabled = False
    return logger


log: Final = kept("sock")
access: Final = kept("sock.access")

_access_asked = False


def ask_access(*, asked: bool) -> bool:
    """Say whether there is an access log where its logger does not say.

    Returns:
        What was said before.
    """
    global _access_asked
    before, _access_asked = _access_asked, asked
    return before


def access_decided() -> bool:
    """Tell whether anybody has said if there is an access log."""
    return _access_asked or access.level != logging.NOTSET or bool(access.handlers)


def access_on() -> bool:
    """Tell whether there is an access log.

    Its own level counts, and not that of "sock", from which it would have one: a configuration of
    "sock" resets the levels of its children.
    """
    if access.level == logging.NOTSET and not access.handlers:
        return _access_asked and access.manager.disable < logging.INFO
    return access.isEnabledFor(logging.INFO)
