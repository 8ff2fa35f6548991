"""What the lines about topics say.

event                                                        level
-----------------------------------------------------------  -------
pubsub.connected                                             info
pubsub.down, pubsub.alone, pubsub.refused; the first         warning
pubsub.rejected
pubsub.failed, presence.failed                               error
pubsub.gap                                                   debug
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS: Final = {
    "pubsub.connected": (logging.INFO, "topics: connected with {url}"),
    "pubsub.down": (
        logging.WARNING,
        "topics: {url} is away, and is tried again and again: {error}",
    ),
    "pubsub.gap": (logging.DEBUG, "topics: messages of {topic!r} may have been lost"),
    "pubsub.rejected": (
        logging.WARNING,
        (
            "topics: what came from {url} on {topic!r} was dropped: {error}"
            " (from now on, such messages are counted and have no line)"
        ),
    ),
    "pubsub.refused": (
        logging.WARNING,
        "topics: {url} does not let this account use {topic!r}: {error}",
    ),
    "pubsub.failed": (
        logging.ERROR,
        "topics: the encode of connections attached to {topic!r} has raised {error!r}",
    ),
    "presence.failed": (logging.ERROR, "topics: the fetch of {topic!r} has raised {error!r}"),
    "pubsub.alone": (
        logging.WARNING,
        (
            "topics: memory: reaches the connections of this worker only, and there are {workers}"
            " workers. PubSub() or PubSub('host:') reaches all"
        ),
    ),
}


def described(event: str, fields: Mapping[str, Any]) -> tuple[int, str, dict[str, Any]] | None:
    """Return the level, the text and the details of an event; None if it has no line."""
    if event not in _TEXTS or fields.get("count", 1) != 1:
        return None
    level, text = _TEXTS[event]
    details = {name: str(value) if name == "error" else value for name, value in fields.items()}
    return level, text.format(**fields), details
