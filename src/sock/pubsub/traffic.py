"""How many messages of topics this process has sent and got; the metrics read it."""

from __future__ import annotations

from typing import Final, final


@final
class Traffic:
    """Counts as long as the process lives."""

    def __init__(self) -> None:
        self.published = 0
        """Messages that were published here."""
        self.received = 0
        """Messages of other processes that somebody here listens to."""


TRAFFIC: Final = Traffic()
