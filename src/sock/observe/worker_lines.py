"""What the lines about workers and reloads say: events that only a supervisor emits.

event                                                                   level
----------------------------------------------------------------------  -------
worker.started; worker.ended with a code before it was ready            debug
worker.ready, worker.draining, worker.retired; worker.ended, as told    info
reload.begun, reload.changed, reload.done                               info
worker.ended by itself, worker.waiting, worker.late, worker.orphaned    warning
control.refused, control.missing                                        warning
worker.blocked, worker.failed, reload.failed                            error
"""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS: Final = {
    "worker.started": (logging.DEBUG, "is starting"),
    "worker.ready": (logging.INFO, "is ready after {seconds:.1f} s"),
    "worker.draining": (logging.INFO, "is draining"),
    "worker.late": (logging.WARNING, "has not ended in time after its drain: it is killed"),
    "worker.blocked": (
        logging.ERROR,
        "has blocked its event loop for {seconds:.0f} s: its stacks follow, and it is killed",
    ),
    "worker.waiting": (logging.WARNING, "is started again in {seconds:.0f} s"),
    "worker.failed": (logging.ERROR, "cannot be started: {error}"),
    "worker.retired": (logging.INFO, "is replaced: {why}"),
    "worker.orphaned": (logging.WARNING, "drains, because its supervisor has gone"),
    "reload.begun": (logging.INFO, "reload: all workers are replaced, one after the other"),
    "reload.changed": (logging.INFO, "reload: {paths[0]} was edited"),
    "reload.failed": (
        logging.ERROR,
        "reload failed: worker {slot} did not start; the old workers go on",
    ),
    "reload.done": (logging.INFO, "reload: all workers are new"),
    "control.refused": (logging.WARNING, "control socket: user {user} was refused"),
    "control.missing": (logging.WARNING, "no control socket: {error}"),
}


def described(event: str, fields: Mapping[str, Any]) -> tuple[int, str, dict[str, Any]] | None:
    """Return the level, the text and the details of an event; None if it is of another kind."""
    details = {name: str(value) if name == "error" else value for name, value in fields.items()}
    if event == "worker.ended":
        return (*_ended(fields), details)
    if event not in _TEXTS:
        return None
    level, text = _TEXTS[event]
    text = text.format(**fields)
    return level, f"{_named(fields)} {text}" if event.startswith("worker.") else text, details


def _ended(fields: Mapping[str, Any]) -> tuple[int, str]:
    code, drained = fields["code"], fields["state"] == "draining"
    why = f"was killed by {_signal_name(-code)}" if code < 0 else f"has ended with {code}"
    level = logging.INFO if drained and code == 0 else logging.WARNING
    if fields["state"] == "starting" and code > 0:  # it has said why, and what follows is said too
        level = logging.DEBUG
    return level, f"{_named(fields)} {why} after {fields['age']:.1f} s"


def _named(fields: Mapping[str, Any]) -> str:
    named = f"worker {fields['slot']}"
    return f"{named} ({fields['pid']})" if "pid" in fields else named


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"
