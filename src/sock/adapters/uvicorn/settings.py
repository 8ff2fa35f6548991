"""A warning for uvicorn's settings of its built-in WebSockets, which have no effect on a Sock."""

from __future__ import annotations

import inspect
import logging
import weakref
from typing import Any, Final

import uvicorn

_OPTIONS: Final = {
    "ws_max_size": "max_message_size",
    "ws_max_queue": "max_read_ahead",
    "ws_ping_interval": "ping_interval",
    "ws_ping_timeout": "idle_timeout",
    "ws_per_message_deflate": "compression",
}
"""Settings of uvicorn, and the options of a Sock with the same purpose."""

_log: Final = logging.getLogger("uvicorn.error")

_warned: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
"""Configurations that a warning was logged for."""


def warn_of_unused(config: Any) -> None:
    """Warn once of the settings that differ from their default, although no Sock follows them."""
    if config in _warned:
        return
    _warned.add(config)
    parameters = inspect.signature(uvicorn.Config).parameters
    for name, option in _OPTIONS.items():
        if name in parameters:
            default = parameters[name].default
            if getattr(config, name, default) != default:
                _log.warning(
                    "uvicorn's --%s is for its own WebSockets; a Sock has Options(%s=...)",
                    name.replace("_", "-"),
                    option,
                )
