"""What is measured: each column is one way to load a server and one figure of what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFERENCE: Final = "websockets"
"""The peer that ratios are taken against: the most used one."""

FLAT: Final = (10, 100, 1000, 5000)
"""Connections at which the cost of one message is taken."""


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of one server.

    Args:
        name: what `--only` calls it; the part before the dash names a family.
        title: the head of its column.
        arguments: of `wsload`, its mode first, without server and duration.
        key: the figure in what `wsload` prints.
        fresh: the server is started anew for each measurement: memory that an earlier load left
            behind would be counted as already there.
        peers: who is measured; empty: all.
    """

    name: str
    title: str
    arguments: tuple[str, ...]
    key: str
    fresh: bool = False
    peers: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """What several columns of one table share."""
        return self.name.partition("-")[0]


COLUMNS: Final = (
    Column("echo-1", "echo, 1 in flight", ("echo", "-c", "64", "-s", "64", "-p", "1"), "per_cpu_s"),
    Column(
        "echo-16", "echo, 16 in flight", ("echo", "-c", "64", "-s", "64", "-p", "16"), "per_cpu_s"
    ),
    Column("idle", "idle connection", ("idle", "-c", "5000"), "rss_per_conn_kb", fresh=True),
    *(
        Column(
            f"flat-{connections}",
            f"{connections:,}",
            ("echo", "-c", str(connections), "-s", "64", "-p", "1"),
            "per_cpu_s",
            peers=("sock", REFERENCE),
        )
        for connections in FLAT
    ),
)
