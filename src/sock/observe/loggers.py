"""The loggers that Sock writes to, and which configuration silences them.

    the program                                     the logger "sock"
    ----------------------------------------------  -----------------------------------------------
    sets its level, its handlers, `propagate`       obeys
    sets `disabled`, calls `logging.disable`        is silent
    calls dictConfig or fileConfig, which disable   goes on as before: the program did not mean it,
    every logger that they do not name              and a server without tracebacks helps nobody
    configures nothing                              warnings and errors reach `logging.lastResort`

"sock.access" has a line for each answer and connection. It writes them where somebody has asked for
them: by its level, by a handler of its own, or with `access_log=True`.
"""

from __future__ import annotations

import inspect
import logging
from typing import Any, Final


class _NeverDisabledLogger(logging.Logger):
    """A logger that `logging.config` does not disable because it is not named there."""

    def __setattr__(self, name: str, value: object) -> None:
        # `disable_existing_loggers` is on where nobody turns it off. Only the calling module tells
        # that it sets this, and not the program.
        if name == "disabled" and value and _caller() == "logging.config":
            return
        super().__setattr__(name, value)


def _caller() -> object:
    """Return the name of the module that called the function which calls this one."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = None if frame is None else frame.f_back
    return None if frame is None else frame.f_globals.get("__name__")


def never_disabled(name: str) -> logging.Logger:
    """Return the logger of a name, and see to it that `disable_existing_loggers` leaves it alone.

    It is the logger that everybody gets by that name. It is enabled, whatever was configured
    before.
    """
    logger = logging.getLogger(name)
    kind: Any = type(logger)
    if not issubclass(kind, _NeverDisabledLogger):
        # Its class is replaced, because others hold this logger already, or get it by its name.
        logger.__class__ = type(kind.__name__, (_NeverDisabledLogger, kind), {})
        logger.disabled = False
    return logger


log: Final = never_disabled("sock")
access: Final = never_disabled("sock.access")

_access_log_wanted = False


def enable_access_log(*, enabled: bool) -> bool:
    """Set whether there is an access log where its logger is not configured.

    Returns:
        The setting before.
    """
    global _access_log_wanted
    before, _access_log_wanted = _access_log_wanted, enabled
    return before


def access_log_configured() -> bool:
    """Tell whether somebody has decided if there is an access log."""
    return _access_log_wanted or access.level != logging.NOTSET or bool(access.handlers)


def access_log_enabled() -> bool:
    """Tell whether there is an access log.

    Its own level counts, and not the one that it would inherit from "sock": a configuration of
    "sock" resets the levels of its children.
    """
    if access.level == logging.NOTSET and not access.handlers:
        return _access_log_wanted and access.manager.disable < logging.INFO
    # The first test is for speed (bench, sock connect): each connection asks twice.
    return access.level <= logging.INFO and access.isEnabledFor(logging.INFO)
