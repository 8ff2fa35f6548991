"""The plan of a run: columns in order, each with its servers."""

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


def whole_plan() -> Plan:
    """Return the plan of a whole run."""
    return [(column, column.peers) for column in COLUMNS]


def plan_of_names(only: str) -> Plan:
    """Return a plan of the columns, families and servers with these names.

    Without a column, all columns are measured, and without a server, all servers.
    """
    names = {name for name in only.split(",") if name}
    families = {family.name for family in FAMILIES}
    if unknown := names - {*PEERS, *(column.name for column in COLUMNS), *families}:
        sys.exit(f"bench: no column or server is named {', '.join(sorted(unknown))}")
    columns = [c for c in COLUMNS if names & {c.name, c.family}] or COLUMNS
    peers = names & set(PEERS) or set(PEERS)
    return plan_of_cells(
        (peer, column.name) for column in columns for peer in column.peers if peer in peers
    )


def plan_of_cells(cells: Iterable[Cell]) -> Plan:
    """Return a plan of some cells of the tables, and of the cells that these depend on."""
    wanted = set(cells)
    plan: list[tuple[Column, list[str]]] = []
    # From the last to the first, because a column stands behind the one that it depends on.
    for column in reversed(COLUMNS):
        peers = [peer for peer in column.peers if (peer, column.name) in wanted]
        if column.half_of:
            wanted |= {(peer, column.half_of) for peer in peers}
        if peers:
            plan.append((column, peers))
    if not plan:
        sys.exit("bench: none of these servers is in any of these columns")
    return plan[::-1]
