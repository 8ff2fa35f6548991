"""Which statements of the specification say MUST, SHOULD or MAY. Written by `make suite`."""

from __future__ import annotations

from typing import Final

NUMBERS: Final[dict[str, dict[int, str]]] = {
    "MUST": {
        0: "1 2 3 4 5 7 8",
        1: "1 2 3 4 5 6 7 8 9 10 12",
        2: "1 2 3 4 5 6 7 8 9 10 11 12 13 14",
        3: "1 2 3 4 5 6 7 8 9 12",
        4: "1 2 4 5 6 7 8 9",
        5: "1 2 3 4",
        6: "1 2 3 4 5 6 7 8 9 10",
        7: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
        8: "1 2 3 4 5 6 7",
        9: "1 2 3 5",
        10: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        11: "1 2 3 4 5 6 7",
        12: "1 2 3 4 5",
        13: "1 2 3 4 5 6 7 8 9 10 11",
        14: "1 2 3 4 5 6 7 8 9 10 11 12",
        15: "1 2 3 4 5 6 7 8 9 10",
        16: "1 2 3 4",
        17: "1 2 3 4",
        18: "1 2 3 4 5 6",
        19: "1 2 3 4 5 6 7 8 9 10 11",
        20: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
        21: "1 2 3 4 5 6 7 8 9 10",
        22: "1",
    },
    "SHOULD": {
        0: "6",
        3: "10",
        9: "4",
        13: "12",
    },
    "MAY": {
        1: "11",
        3: "11",
        4: "3",
    },
}
"""The numbers of each chapter, by the strongest word in the statement."""
