"""What a run measures: columns in order, each with servers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeAlias

from .column import COLUMNS, FAMILIES
from .peer import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .column import Column

Cell: TypeAlias = tuple[str, str]
"""A server and a column."""

Plan: TypeAlias = "Sequence[tuple[Column, Sequence[str]]]"


def whole() -> Plan:
    """Plan all that there is."""
    return [(column, column.peers) for column in COLUMNS]


def chosen(only: str) -> Plan:
    """Plan what a user asks for by names of columns, of families and of servers.

    Without a column all columns are meant, and without a server all servers.
    """
    names = {name for name in only.split(",") if name}
    families = {family.name for family in FAMILIES}
    if unknown := names - {*PEERS, *(column.name for column in COLUMNS), *families}:
        sys.exit(f"bench: no column or server is named {', '.join(sorted(unknown))}")
    columns = [c for c in COLUMNS if names & {c.name, c.family}] or COLUMNS
    peers = names & set(PEERS) or set(PEERS)
    return made_of(
        (peer, column.name) for column in columns for peer in column.peers if peer in peers
    )


def made_of(cells: Iterable[Cell]) -> Plan:
    """Plan some cells of the tables, and what must be known before each of them."""
    wanted = set(cells)
    plan: list[tuple[Column, list[str]]] = []
    # From behind: what a column leans on stands before it.
    for column in reversed(COLUMNS):
        peers = [peer for peer in column.peers if (peer, column.name) in wanted]
        if column.half_of:
            wanted |= {(peer, column.half_of) for peer in peers}
        if peers:
            plan.append((column, peers))
    if not plan:
        sys.exit("bench: none of these servers is in any of these columns")
    return plan[::-1]
