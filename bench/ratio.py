"""The ratios to reach: each is a quotient of two figures of one run, with its target."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from .peer import ASGI

if TYPE_CHECKING:
    from .figures import Figures
    from .plan import Cell


@dataclass(frozen=True, slots=True)
class Ratio:
    """One ratio, with its target.

    Args:
        name: its name in `recorded.json`.
        title: its title in the table.
        target: the smallest value that reaches the target.
        over: the numerator.
        under: the denominators. The one that makes the ratio smallest counts. Without any, the
            numerator is the value itself.
        ceiling: whether the target is the largest value instead.
        checked: whether `make bench-check` compares it with the recorded value.
    """

    name: str
    title: str
    target: float
    over: Cell
    under: tuple[Cell, ...]
    ceiling: bool = False
    checked: bool = True

    def cells(self) -> tuple[Cell, ...]:
        """Return the figures of which it is made."""
        return (self.over, *self.under)

    def rounds(self, figures: Figures) -> list[float]:
        """Return the ratio in each round that has both figures; empty if one of them is missing.

        It is taken within a round, because a slow moment of the machine slows both of them down.
        """
        over = figures.values(*self.over)
        if not self.under:
            return over
        unders = [values for cell in self.under if (values := figures.values(*cell))]
        quotients = [[a / b for a, b in zip(over, under, strict=False) if b] for under in unders]
        return min((q for q in quotients if q), key=median, default=[])

    def reached(self, figures: Figures) -> float | None:
        """Return the median of its rounds; None if it was not measured."""
        rounds = self.rounds(figures)
        return median(rounds) if rounds else None

    def met(self, reached: float) -> bool:
        """Tell whether a value reaches the target."""
        return reached <= self.target if self.ceiling else reached >= self.target

    def fell(self, reached: float, recorded: float, tolerance: float) -> bool:
        """Tell whether a value is worse than the recorded one by more than a share of that."""
        if self.ceiling:
            return reached > recorded * (1 + tolerance)
        return reached < recorded * (1 - tolerance)


def _hosted(column: str, how: str, server: str, own: tuple[str, ...], target: float) -> Ratio:
    """Compare Sock on a server with the implementations of that server itself."""
    title = f"echo, {how} in flight: {server} ÷ {'its fastest own' if len(own) > 1 else own[0]}"
    unders = tuple((peer, column) for peer in own)
    return Ratio(f"{server}/{own[0]} {column}", title, target, (server, column), unders)


def _against(column: str, title: str, peer: str, target: float, server: str = "sock") -> Ratio:
    title = f"{title}: {server} ÷ {peer}"
    return Ratio(f"{server}/{peer} {column}", title, target, (server, column), ((peer, column),))


def _through_tls(column: str, title: str, peer: str, target: float) -> Ratio:
    name = f"sock/{peer} {column}"
    return Ratio(
        name, f"{title}: sock ÷ {peer}", target, ("sock-tls", column), ((f"{peer}-tls", column),)
    )


def _of_channels(
    column: str, title: str, peer: str, target: float, server: str = "sock-channels"
) -> Ratio:
    """Compare channels with another server.

    What Django Channels does is not checked, as its rounds differ by half.
    """
    name = f"{server.removeprefix('sock-')}/{peer} {column}"
    title = f"{title}: {server} ÷ {peer}"
    checked = peer != "django-channels"
    return Ratio(name, title, target, (server, column), ((peer, column),), checked=checked)


def _topic(column: str, title: str, over: str, peer: str, target: float) -> Ratio:
    """Compare a Sock with topics with another server.

    Those with thousands of receivers are not checked: they would take as long as all others. Nor is
    what Channels does, whose rounds differ by half.
    """
    name = f"{over.removeprefix('sock-')}/{peer.removeprefix('sock-')} {column}"
    title = f"{title}: {over} ÷ {peer}"
    checked = "5000" not in column and peer != "django-channels"
    return Ratio(name, title, target, (over, column), ((peer, column),), checked=checked)


_UVICORN: Final = ("uvicorn-sansio", "uvicorn-websockets", "uvicorn-wsproto")

RATIOS: Final = (
    _against("echo-1", "echo, 1 in flight", "picows", 1.25),
    _against("echo-1", "echo, 1 in flight", "floor", 0.95),
    Ratio(
        "sock/asgi echo-1",
        "echo, 1 in flight: sock ÷ the fastest ASGI server",
        2,
        ("sock", "echo-1"),
        tuple((peer, "echo-1") for peer in ASGI),
    ),
    _against("echo-16", "echo, 16 in flight", "picows", 12),
    _against("echo-16", "echo, 16 in flight", "floor", 0.9),
    _against("echo-16k", "echo, 16 KiB", "picows", 1.4),
    _against("echo-one", "echo, one connection", "picows", 1.3),
    _against("connect", "handshakes", "picows", 1.5),
    Ratio(
        "tls/plain echo-1",
        "echo through TLS, 1 in flight: sock ÷ sock without TLS",
        0.55,
        ("sock-tls", "tls-1"),
        (("sock", "echo-1"),),
    ),
    Ratio(
        "tls/plain echo-16",
        "echo through TLS, 16 in flight: sock ÷ sock without TLS",
        0.5,
        ("sock-tls", "tls-16"),
        (("sock", "echo-16"),),
    ),
    _through_tls("tls-1", "echo through TLS, 1 in flight", "uvicorn", 3),
    _through_tls("tls-1", "echo through TLS, 1 in flight", "picows", 1),
    _through_tls("tls-16", "echo through TLS, 16 in flight", "picows", 1),
    _through_tls("tls-connect", "TLS handshakes", "uvicorn", 1),
    Ratio(
        "sock tlsidle",
        "idle connection through TLS: kB of sock",
        20,
        ("sock-tls", "tlsidle"),
        (),
        ceiling=True,
    ),
    Ratio(
        "two/one workers-1",
        "echo, 1 in flight: two workers ÷ one, per CPU second of all",
        0.95,
        ("sock-2", "workers-1"),
        (("sock-1", "workers-1"),),
    ),
    Ratio(
        "two/one workers-16",
        "echo, 16 in flight: two workers ÷ one, per CPU second of all",
        0.95,
        ("sock-2", "workers-16"),
        (("sock-1", "workers-16"),),
    ),
    Ratio(
        "metrics/off echo-1",
        "echo, 1 in flight: metrics on ÷ off",
        0.97,
        ("sock-metrics", "metrics-1"),
        (("sock", "metrics-1"),),
    ),
    Ratio(
        "metrics/off echo-16",
        "echo, 16 in flight: metrics on ÷ off",
        0.97,
        ("sock-metrics", "metrics-16"),
        (("sock", "metrics-16"),),
    ),
    Ratio("sock idle", "idle connection: kB of sock", 3, ("sock", "idle"), (), ceiling=True),
    _against("fanout-1", "fan-out to 500, 1 in flight", "picows", 1),
    _against("fanout-16", "fan-out to 500, 16 in flight", "picows", 3),
    _topic("topics-1", "topic of 500, 1 in flight", "sock-attach", "picows", 1),
    _topic("topics-16", "topic of 500, 16 in flight", "sock-attach", "picows", 4),
    _topic("topics-5000", "topic of 5,000, 1 in flight", "sock-attach", "picows", 1),
    _topic("topics-5000-16", "topic of 5,000, 16 in flight", "sock-attach", "picows", 4),
    _topic("topics-1", "topic of 500, 1 in flight", "sock-attach", "websockets", 1.5),
    _topic("topics-5000", "topic of 5,000, 1 in flight", "sock-attach", "websockets", 1.5),
    _topic("topics-1", "topic of 500, 1 in flight", "sock-subscribe", "sock-attach", 0.5),
    _topic("topics-16", "topic of 500, 16 in flight", "sock-subscribe", "sock-attach", 0.5),
    _topic(
        "between-1", "topic over two workers, 1 in flight", "sock-attach-2", "sock-attach-1", 0.85
    ),
    _topic(
        "between-16", "topic over two workers, 16 in flight", "sock-attach-2", "sock-attach-1", 0.85
    ),
    _topic("between-1", "topic over Redis, 1 in flight", "sock-attach-redis", "django-channels", 5),
    _topic(
        "between-16", "topic over Redis, 16 in flight", "sock-attach-redis", "django-channels", 5
    ),
    _topic("between-1", "topic over Redis, 1 in flight", "sock-attach-redis", "broadcaster", 5),
    _topic("between-16", "topic over Redis, 16 in flight", "sock-attach-redis", "broadcaster", 5),
    Ratio(
        "async/plain echo-1",
        "echo, 1 in flight: async def ÷ def",
        0.6,
        ("sock", "async-1"),
        (("sock", "echo-1"),),
    ),
    Ratio(
        "async/plain echo-16",
        "echo, 16 in flight: async def ÷ def",
        0.6,
        ("sock", "async-16"),
        (("sock", "echo-16"),),
    ),
    Ratio(
        "json/plain echo-1",
        "echo, 1 in flight: a struct by a JsonSock ÷ text",
        0.6,
        ("sock", "json-1"),
        (("sock", "echo-1"),),
    ),
    Ratio(
        "json/plain echo-16",
        "echo, 16 in flight: a struct by a JsonSock ÷ text",
        0.6,
        ("sock", "json-16"),
        (("sock", "echo-16"),),
    ),
    *(
        Ratio(
            f"channels/echo push-{depth}",
            f"a push and its reply, {depth} in flight: sock-channels ÷ echo of sock",
            0.35,
            ("sock-channels", f"push-{depth}"),
            (("sock", f"echo-{depth}"),),
        )
        for depth in (1, 16)
    ),
    _of_channels("push-1", "a push and its reply, 1 in flight", "socketio", 3),
    _of_channels("push-16", "a push and its reply, 16 in flight", "socketio", 3),
    _of_channels("shout-1", "a broadcast to 1,000, 1 in flight", "socketio", 5),
    _of_channels("shout-16", "a broadcast to 1,000, 16 in flight", "socketio", 5),
    *(
        _of_channels(
            f"shout-{depth}",
            f"a broadcast to 1,000 over Redis, {depth} in flight",
            "django-channels",
            5,
            "sock-channels-redis",
        )
        for depth in (1, 16)
    ),
    Ratio(
        "channels joined",
        "joined channel beside its connection: kB of sock-channels",
        1.5,
        ("sock-channels", "joined"),
        (),
        ceiling=True,
    ),
    Ratio(
        "sock/picows p99",
        "p99 latency at half peak: sock ÷ picows",
        1,
        ("sock", "p99"),
        (("picows", "p99"),),
        ceiling=True,
        # Two runs of the same code differ in their tails by more than the tolerance.
        checked=False,
    ),
    Ratio(
        "sock flat",
        "CPU per message: 10,000 connections ÷ 10",
        1.25,
        # The columns count messages per second, so the ratio of the costs is upside down.
        ("sock", "flat-10"),
        (("sock", "flat-10000"),),
        ceiling=True,
    ),
    _hosted("hosts-1", "1", "sock-uvicorn", _UVICORN, 2),
    _hosted("hosts-16", "16", "sock-uvicorn", _UVICORN, 8),
    _hosted("hosts-1", "1", "sock-aiohttp", ("aiohttp",), 1.6),
    _hosted("hosts-16", "16", "sock-aiohttp", ("aiohttp",), 8),
    _hosted("hosts-1", "1", "sock-flask", ("flask-sock",), 10),
    _hosted("hosts-16", "16", "sock-flask", ("flask-sock",), 10),
    _hosted("hosts-1", "1", "sock-tornado", ("tornado",), 4),
    _hosted("hosts-16", "16", "sock-tornado", ("tornado",), 8),
    _hosted("hosts-1", "1", "asgi-uvicorn", ("uvicorn-sansio",), 0.85),
    _hosted("hosts-1", "1", "asgi-granian", ("granian",), 0.85),
    _against("echo-1", "echo, 1 in flight", "websockets", 1, "sock-pure"),
    _against("echo-16", "echo, 16 in flight", "websockets", 3, "sock-pure"),
)
