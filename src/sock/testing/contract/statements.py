"""The statements of the specification: MUST, SHOULD or MAY, and which of them no case can see."""

from __future__ import annotations

from typing import Final

from .levels import NUMBERS

LEVELS: Final[dict[str, str]] = {
    f"S{chapter}.{number}": level
    for level, chapters in NUMBERS.items()
    for chapter, numbers in chapters.items()
    for number in numbers.split()
}
"""What each statement says at its strongest: MUST, SHOULD or MAY."""

_HTTP_2: Final = (
    "The client of the suite speaks HTTP/1.1. `make hosts` tries the other versions by a gateway,"
    " which makes HTTP/1.1 of them. Our own server, from which mutants are made, speaks neither."
)

UNSEEN: Final[dict[str, str]] = {
    "S0.1": "It asks for what all the others ask for.",
    "S13.11": "The client of the suite speaks no TLS, and a host may know nothing of its own.",
    "S11.7": (
        "A peer does not see memory, and no program can read a formula in a document. The cases of"
        " [S11.3] and [S11.5] see what memory is bounded by."
    ),
    "S19.7": (
        "It is about documentation. What a program can read of that are the numbers of [S0.3]."
    ),
    "S19.11": ("A client finds nobody there: the host accepts nothing, or has ended."),
    "S0.2": "All cases together prove it: they are one application, the same on every host.",
    "S20.18": "A host enters one lifespan. `Routes` enters the others in it, on every host alike.",
    **{f"S21.{number}": _HTTP_2 for number in range(1, 11)},
}
"""Why no case can see that a host keeps a statement that says MUST."""


def is_required(number: str) -> bool:
    """Tell whether a statement says MUST.

    >>> is_required("S7.5"), is_required("S9.4")
    (True, False)
    """
    return LEVELS[number] == "MUST"
