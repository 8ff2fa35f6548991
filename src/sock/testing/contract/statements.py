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
    "The client of the suite speaks HTTP/1.1 only. `make hosts` reaches hosts over HTTP/2 and 3"
    " through a gateway, which hides from the cases what this statement is about. No mutant can be"
    " made either: mutants are made from our own server, which speaks HTTP/1.1 only."
)

UNSEEN: Final[dict[str, str]] = {
    "S0.1": "It asks for what all the others ask for.",
    "S13.11": "The client of the suite speaks no TLS, and a host may know nothing of its own.",
    "S11.7": (
        "A peer does not see the host's memory, and no program can check a formula in a document."
        " The cases of [S11.1], [S11.3] and [S11.5] see what bounds the memory."
    ),
    "S19.7": (
        "What it demands is a sentence in the host's documentation, which no program can check."
    ),
    "S19.11": (
        "It is about a host that does not come to accept, or that has ended: a case can neither"
        " connect to it nor ask it what it has left or reported."
    ),
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
