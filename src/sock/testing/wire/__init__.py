"""What any WebSocket server must do on the wire, as cases for a server of any make.

An echo server is all that they need, and most of them do not need even that. `sock check` runs
them from the command line:

    sock check ws://127.0.0.1:8000/
"""

from __future__ import annotations

from typing import Final

from . import (
    closes,
    compressed,
    controls,
    fragments,
    frames,
    limits,
    many,
    mutations,
    offers,
    opening,
    origins,
    refusals,
    slow,
    texts,
)
from .case import Level as Level
from .case import Section as Section
from .case import WireCase as WireCase
from .fell import Fell as Fell
from .run import Outcome as Outcome
from .run import Run as Run
from .run import Verdict as Verdict
from .run import run_cases as run_cases
from .run import try_case as try_case
from .target import Target as Target

__all__ = [
    "CASES",
    "SECTIONS",
    "Fell",
    "Level",
    "Outcome",
    "Run",
    "Section",
    "Target",
    "Verdict",
    "WireCase",
    "run_cases",
    "try_case",
]

SECTIONS: Final[tuple[Section, ...]] = tuple(
    module.SECTION
    for module in (
        opening,
        refusals,
        origins,
        frames,
        fragments,
        texts,
        controls,
        closes,
        offers,
        compressed,
        limits,
        slow,
        many,
        mutations,
    )
)
"""The sections, in order."""

CASES: Final[tuple[WireCase, ...]] = tuple(case for section in SECTIONS for case in section.cases)
"""Every case, in the order of the numbers."""
