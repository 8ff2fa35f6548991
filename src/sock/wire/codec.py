"""The seam: whoever moves bytes takes Parser and Writer from here, compiled or pure.

Only the pure ones exist; compiled ones will be chosen here, and must agree with them on every byte,
event and error.
"""

from __future__ import annotations

from .frame import Close as Close
from .parser import Deliver as Deliver
from .parser import Event as Event
from .parser import Parser as Parser
from .writer import Writer as Writer

__all__ = ["Close", "Deliver", "Event", "Parser", "Writer"]
