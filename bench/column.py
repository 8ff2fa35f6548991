"""The columns of the tables: each is one way to load a server, and one figure of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .peer import DEFAULT_PEERS, PEERS, SOCK_ON_OTHER_SERVERS

FLAT: Final = (10, 100, 1000, 10_000)
"""The numbers of connections for which the cost of one message is measured."""


@dataclass(frozen=True, slots=True)
class Family:
    """Columns that stand in one table and have one unit.

    Args:
        name: its name for `--only`.
        title: the title of the table.
        unit: how `table.py` writes a figure: "rate", "weight", "cost" or "latency".
    """

    name: str
    title: str
    unit: str


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of one server.

    Args:
        name: its name for `--only`; the part before the dash is the name of its family.
        title: the head of its column.
        mode: the mode of `wsload`.
        asks: what a client asks for, in the dialect of each server that has one.
        connections: how many connections `wsload` opens.
        arguments: more arguments of `wsload`.
        key: the name of the figure in the output of `wsload`.
        peers: the servers that are measured.
        rounds: how often the contenders (`peer.CONTENDERS`) are measured, and the others.
        warm: seconds of load before any is counted.
        fresh: whether the server is started anew for each measurement. Otherwise memory that an
            earlier load has left behind would be counted as used before.
        half_of: another column. This one is loaded with half of the rate by the clock that the same
            server had there, so that column stands earlier in `COLUMNS`.
    """

    name: str
    title: str
    mode: str = "echo"
    asks: str = ""
    connections: int = 64
    arguments: tuple[str, ...] = ("-s", "64")
    key: str = "per_cpu_s"
    peers: tuple[str, ...] = DEFAULT_PEERS
    rounds: tuple[int, int] = (5, 3)
    warm: float = 0.25
    fresh: bool = False
    half_of: str = ""

    @property
    def family(self) -> str:
        """The name of its family."""
        return self.name.partition("-")[0]

    @property
    def weighs(self) -> bool:
        """Whether memory is measured, and nothing is sent for it."""
        return self.mode in {"idle", "join"}


FAMILIES: Final = (
    Family("echo", "Echo of text: messages per server CPU second", "rate"),
    Family("connect", "Connect, upgrade, close: handshakes per server CPU second", "rate"),
    Family("idle", "10,000 idle connections: kB of memory each", "weight"),
    Family("tls", "Through TLS: messages, and handshakes, per server CPU second", "rate"),
    Family("tlsidle", "4,000 idle connections through TLS: kB of memory each", "weight"),
    Family("workers", "Echo by one and by two workers: per CPU second of all of them", "rate"),
    Family("metrics", "Echo with and without metrics: per server CPU second", "rate"),
    Family("fanout", "One message to 500 connections: copies per server CPU second", "rate"),
    Family(
        "topics", "A topic: one message to all who listen: copies per server CPU second", "rate"
    ),
    Family(
        "between",
        "A topic between processes, 500 connections: copies per CPU second of all of them",
        "rate",
    ),
    Family("async", "Echo by a coroutine that does not suspend: per server CPU second", "rate"),
    Family("json", "Echo of a small struct by a JsonSock: per server CPU second", "rate"),
    Family("push", "A push to a joined channel and its reply: per server CPU second", "rate"),
    Family("shout", "A broadcast to 1,000 joined channels: copies per server CPU second", "rate"),
    Family("joined", "10,000 joined channels: kB of memory each, beside the connection", "weight"),
    Family("p99", "64 B on 64 connections at half of the own peak: latency", "latency"),
    Family("hosts", "Sock on other servers, and what they do by themselves: the same echo", "rate"),
    Family("flat", "Server CPU per message of 64 B, in µs, by number of connections", "cost"),
)

_HOSTS: Final = (
    "aiohttp",
    "tornado",
    "uvicorn-sansio",
    "uvicorn-websockets",
    "uvicorn-wsproto",
    "granian",
    "flask-sock",
    *SOCK_ON_OTHER_SERVERS,
)

_TLS: Final = tuple(name for name, peer in PEERS.items() if peer.tls)

_CHANNELS: Final = ("sock-channels", "socketio")

_OBJECT: Final = ("--path", "/json", "--object", "-s", "64")

_FANOUT: Final = ("floor", "sock", "picows", "websockets")

_TOPICS: Final = ("floor", "picows", "websockets", "sock-attach", "sock-subscribe")

_BETWEEN: Final = (
    "sock-attach-1",
    "sock-attach-2",
    "sock-attach-redis",
    "django-channels",
    "broadcaster",
)

COLUMNS: Final = (
    Column("echo-1", "64 B, 64 conn., 1 in flight", arguments=("-s", "64", "-p", "1")),
    Column("echo-16", "64 B, 64 conn., 16 in flight", arguments=("-s", "64", "-p", "16")),
    Column("echo-16k", "16 KiB, 64 conn.", arguments=("-s", "16384", "-p", "1")),
    Column("echo-one", "64 B, 1 conn.", connections=1, rounds=(5, 2)),
    Column("async-1", "1 in flight", arguments=("--path", "/async", "-p", "1"), peers=("sock",)),
    Column("async-16", "16 in flight", arguments=("--path", "/async", "-p", "16"), peers=("sock",)),
    Column("json-1", "1 in flight", arguments=(*_OBJECT, "-p", "1"), peers=("sock",)),
    Column("json-16", "16 in flight", arguments=(*_OBJECT, "-p", "16"), peers=("sock",)),
    Column("connect", "handshakes", mode="connect", rounds=(5, 2)),
    Column(
        "fanout-1",
        "1 in flight",
        mode="fanout",
        connections=500,
        arguments=("--path", "/fanout", "-p", "1"),
        peers=_FANOUT,
        rounds=(3, 3),
    ),
    Column(
        "fanout-16",
        "16 in flight",
        mode="fanout",
        connections=500,
        arguments=("--path", "/fanout", "-p", "16"),
        peers=_FANOUT,
        rounds=(3, 3),
    ),
    *(
        Column(
            name,
            f"{connections:,} conn., {in_flight} in flight",
            mode="fanout",
            connections=connections,
            arguments=("--path", "/fanout", "-p", str(in_flight)),
            peers=peers,
            # To open thousands of connections takes longer than the measurement.
            rounds=(3, 3) if connections < 1000 else (2, 2),
            # The slowest take as long until the first copies arrive.
            warm=1 if peers is _BETWEEN else 0.25,
        )
        for name, connections, in_flight, peers in (
            ("topics-1", 500, 1, _TOPICS),
            ("topics-16", 500, 16, _TOPICS),
            ("topics-5000", 5000, 1, _TOPICS),
            ("topics-5000-16", 5000, 16, _TOPICS),
            ("between-1", 500, 1, _BETWEEN),
            ("between-16", 500, 16, _BETWEEN),
        )
    ),
    Column("tls-1", "1 in flight", arguments=("-p", "1", "--tls"), peers=_TLS),
    Column("tls-16", "16 in flight", arguments=("-p", "16", "--tls"), peers=_TLS),
    Column("tls-connect", "handshakes", mode="connect", arguments=("--tls",), peers=_TLS),
    Column(
        "tlsidle",
        "idle connection",
        mode="idle",
        connections=4000,
        arguments=("--tls",),
        key="rss_per_conn_kb",
        peers=_TLS,
        rounds=(2, 1),
        fresh=True,
    ),
    Column("workers-1", "1 in flight", arguments=("-p", "1"), peers=("sock-1", "sock-2")),
    Column("workers-16", "16 in flight", arguments=("-p", "16"), peers=("sock-1", "sock-2")),
    Column("metrics-1", "1 in flight", arguments=("-p", "1"), peers=("sock", "sock-metrics")),
    Column("metrics-16", "16 in flight", arguments=("-p", "16"), peers=("sock", "sock-metrics")),
    Column(
        "hosts-1", "1 in flight", arguments=("-s", "64", "-p", "1"), peers=_HOSTS, rounds=(3, 3)
    ),
    Column(
        "hosts-16", "16 in flight", arguments=("-s", "64", "-p", "16"), peers=_HOSTS, rounds=(3, 3)
    ),
    *(
        Column(
            f"push-{depth}",
            f"{depth} in flight",
            asks="push",
            arguments=("--object", "-p", str(depth)),
            peers=_CHANNELS,
        )
        for depth in (1, 16)
    ),
    *(
        Column(
            f"shout-{depth}",
            f"{depth} in flight",
            mode="fanout",
            asks="shout",
            connections=1000,
            arguments=("--object", "-p", str(depth)),
            peers=(*_CHANNELS, "sock-channels-redis", "django-channels"),
            rounds=(3, 3),
        )
        for depth in (1, 16)
    ),
    Column(
        "joined",
        "joined channel",
        mode="join",
        connections=10_000,
        arguments=(),
        key="rss_per_conn_kb",
        peers=("sock-channels",),
        rounds=(2, 1),
        fresh=True,
    ),
    Column("p99", "p99", key="p99_us", peers=("floor", "sock", "picows"), half_of="echo-1"),
    Column(
        "idle",
        "idle connection",
        mode="idle",
        connections=10_000,
        arguments=(),
        key="rss_per_conn_kb",
        rounds=(2, 1),
        fresh=True,
    ),
    *(
        Column(
            f"flat-{connections}",
            f"{connections:,}",
            connections=connections,
            peers=("floor", "sock", "picows", "websockets"),
            rounds=(2, 2),
            # It takes some time until the load is spread evenly over many connections.
            warm=1 if connections > 1000 else 0.25,
        )
        for connections in FLAT
    ),
)

NAMED: Final = {column.name: column for column in COLUMNS}
