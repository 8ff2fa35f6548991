"""Presence: who is here, under a topic, over all processes."""

from .change import Diff as Diff
from .change import Meta as Meta
from .change import State as State
from .presence import Presence as Presence

__all__ = ["Diff", "Meta", "Presence", "State"]
