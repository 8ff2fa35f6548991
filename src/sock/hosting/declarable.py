"""What a host may declare that it cannot do, by the statements of the specification.

A word stands for something that another server, under the host, does in its own way. Appendix B of
`docs/reference/specification.md` has the same table, and says what each word means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DECLARABLE: Final[Mapping[str, frozenset[str]]] = {
    word: frozenset(statements.split())
    for word, statements in {
        "responses": "S1.2 S1.3 S1.4 S1.12 S14.1 S14.2 S14.5 S14.7 S14.10 S19.3",
        "acceptance": "S1.1 S1.2 S1.3 S1.4 S1.6 S1.8 S1.12 S14.1 S14.2 S14.5 S14.7 S19.3",
        "handshake": (
            "S14.1 S14.2 S14.3 S14.4 S14.8 S14.9 S14.11 S14.12 S21.1 S21.2 S21.3 S21.4 S21.5 S21.6"
        ),
        "heads": "S14.3 S14.12 S17.2",
        "requests": "S13.9 S19.9",
        "fields": "S13.5",
        "lifespan": "S19.4 S19.5 S19.6 S19.10 S19.11",
        "headers": "S14.5",
        "text": "S13.10",
        "early": "S1.10",
        "empty": "S2.1",
        "control": "S2.5 S5.1 S5.2 S5.3 S5.4 S12.3",
        "writes": "S1.9 S2.11 S7.12 S11.1 S11.2 S11.3",
        "buffer": "S1.9 S2.11 S7.12 S10.12 S11.1 S11.2",
        "pressure": "S11.1 S11.2 S11.3 S11.4 S12.4 S21.9",
        "received": "S12.1 S12.2",
        "idle": "S12.1 S12.2 S12.4 S21.8",
        "detail": "S16.1 S16.4",
        "codes": "S2.8 S16.1",
        "leaving": "S1.8",
        "ends": "S1.8 S7.1 S7.6 S7.11 S16.1 S21.7",
        "farewell": "S7.6 S7.11 S16.1",
        "close": "S7.5 S7.11 S9.3 S9.4 S21.7",
        "violations": (
            "S7.3 S7.7 S9.5 S15.1 S15.2 S15.3 S15.4 S15.5 S15.6 S15.8 S15.9 S15.10 S16.1 S16.2"
        ),
        "drain": "S7.8 S7.14 S7.16 S16.1 S16.3 S19.5 S21.10",
        "options": "S15.4 S15.5 S15.7 S17.1 S17.2",
    }.items()
}
"""The statements that a limit of each name may declare [S0.5]."""
