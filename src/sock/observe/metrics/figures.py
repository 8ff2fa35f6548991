"""The figures of one process: a subscriber of telemetry that counts, and that is read when asked.

A snapshot is made of plain values, so that it can be sent as JSON:

    {
        "counters": {NAME: [[[LABEL, …], NUMBER], …]},
        "gauges": {NAME: NUMBER},
        "histograms": {NAME: {"counts": [NUMBER, …], "sum": SECONDS}},
    }

NAME is that of a metric in `catalogue.py`. A counter without labels has one row, whose list of
labels is empty.
"""

from __future__ import annotations

import asyncio
import threading
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, final

from sock import telemetry
from sock.spec import Remote
from sock.wire.traffic import RECEIVED, SENT

from .catalogue import METRICS
from .exposition import Page, Snapshot, families, rendered
from .loop_lag import LoopLag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client.core import Metric as Family

    from sock.spec import Reason

_LOOKS_PER_TICK: Final = 1000
"""Connections whose buffers are looked at in one tick, which takes about a millisecond."""


class Measured(Protocol):
    """A live connection, as far as its figures are read."""

    @property
    def pending(self) -> int:
        """Bytes that wait for the peer."""
        ...

    @property
    def mailbox_high_water(self) -> int:
        """The most messages and infos that have waited for the handler."""
        ...


class MeasuredTopics(Protocol):
    """A PubSub in one event loop, as far as its figures are read."""

    @property
    def topic_count(self) -> int:
        """How many topics somebody listens to."""
        ...

    @property
    def listener_count(self) -> int:
        """How many connections listen to some topic."""
        ...

    @property
    def entry_count(self) -> int:
        """How many entries of presence its connections have."""
        ...

    @property
    def is_up(self) -> bool:
        """Whether the other processes are reached."""
        ...


class TopicTraffic(Protocol):
    """The messages of all topics of the process, counted since its start."""

    @property
    def published(self) -> int:
        """Messages that were published here."""
        ...

    @property
    def received(self) -> int:
        """Messages of other processes."""
        ...


@final
class Figures:
    """Counts what happens in this process, from `begin` to `end`.

    It costs nothing for a message, because the connections count their messages anyway. It may be
    read in any thread.

    >>> with Figures() as figures:
    ...     telemetry.emit("request.refused", client=None, status=400, detail="no request")
    >>> figures.snapshot()["counters"]["sock_refusals"]
    [[['400'], 1]]
    """

    def __init__(self) -> None:
        self._counters: dict[str, dict[tuple[str, ...], float]] = {
            metric.name: {} if metric.labels else {(): 0}
            for metric in METRICS.values()
            if metric.kind == "counter"
        }
        self._connections: set[Measured] = set()
        self._topics: set[MeasuredTopics] = set()
        self._topic_traffic: TopicTraffic | None = None
        self._topic_traffic_seen = (0, 0)
        self._draining = 0
        self._slowest = 0.0
        self._high_water = 0  # of the connections that have ended, or were looked at
        self._lag = LoopLag(METRICS["sock_loop_lag_seconds"].bounds, self._look_on)
        self._levels = _Levels()
        self._pass: Iterator[Measured] = iter(())
        self._next_levels = _Levels()
        self._unsubscribe: Callable[[], None] | None = None
        self._traffic_seen = _traffic()
        self._noting = threading.Lock()
        self._takes: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "connection.opened": self._opened,
            "connection.closed": self._closed,
            "handshake.refused": self._refused,
            "request.refused": self._refused,
            "handshake.failed": self._failed_handshake,
            "callback.failed": self._failed_callback,
            "turn.slow": self._slow_turn,
            "tls.failed": self._failed_tls,
            "accept.paused": self._paused_accepting,
            "drain.told": self._told_connections,
            "server.draining": self._began_drain,
            "server.stopped": self._ended_drain,
            "pubsub.began": self._began_topics,
            "pubsub.ended": lambda fields: self._topics.discard(fields["running"]),
            "pubsub.gap": lambda _: self._count("sock_topic_gaps"),
            "pubsub.lost": lambda _: self._count("sock_lost_topic_messages"),
            "pubsub.rejected": lambda _: self._count("sock_rejected_topic_messages"),
        }

    def begin(self) -> None:
        """Count from now on, and measure the lag of this event loop.

        Outside of a loop, the first one that opens a connection is measured.
        """
        if self._unsubscribe is None:
            self._unsubscribe = telemetry.subscribe(self._take)
            self._traffic_seen = _traffic()
        self._measure_lag()

    def _measure_lag(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._lag.begin(loop)

    def end(self) -> None:
        """Count no more. The figures stay readable."""
        self._lag.end()
        if self._unsubscribe is not None:
            self._note_traffic()
            self._unsubscribe()
            self._unsubscribe = None

    def __enter__(self) -> Self:
        """Begin."""
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.end()

    def snapshot(self) -> Snapshot:
        """Return all figures as they are now, in values that `json.dumps` takes."""
        if len(self._connections) <= _LOOKS_PER_TICK:
            self._levels = _Levels.of(list(self._connections))
        levels = self._levels
        if self._unsubscribe is not None:
            self._note_traffic()
        self._high_water = max(self._high_water, levels.high_water)
        topics = list(self._topics)
        return {
            "counters": {
                name: [[list(labels), number] for labels, number in list(rows.items())]
                for name, rows in self._counters.items()
            },
            "gauges": {
                "sock_connections_live": len(self._connections),
                "sock_send_buffer_bytes": levels.pending,
                "sock_send_buffer_largest_bytes": levels.most_pending,
                "sock_mailbox_high_water": self._high_water,
                "sock_slowest_callback_seconds": self._slowest,
                "sock_draining": int(self._draining > 0),
                "sock_topics": sum(one.topic_count for one in topics),
                "sock_topic_listeners": sum(one.listener_count for one in topics),
                "sock_presence_entries": sum(one.entry_count for one in topics),
                "sock_backends_away": sum(not one.is_up for one in topics),
            },
            "histograms": {
                "sock_loop_lag_seconds": {"counts": list(self._lag.counts), "sum": self._lag.sum}
            },
        }

    def collect(self) -> Iterable[Family]:
        """Return the metrics: so this may be registered with prometheus_client.

        Raises:
            ImportError: prometheus_client is not installed.
        """
        snapshot = self.snapshot()
        return families(snapshot, {"1": snapshot["gauges"]})

    def render(self, accept: str = "") -> Page:
        """Return the page of metrics.

        Args:
            accept: the field Accept of the request, which chooses between the text format of
                Prometheus and OpenMetrics.

        Raises:
            ImportError: prometheus_client is not installed.
        """
        return rendered(self, accept)

    # What happens.

    def _note_traffic(self) -> None:
        """Count what has gone in both directions since this was called last."""
        with self._noting:  # two pages may be asked for at the same time, in two threads
            before, self._traffic_seen = self._traffic_seen, _traffic()
            for name, number in self._traffic_seen.items():
                self._count(name, by=number - before[name])
            traffic = self._topic_traffic
            if traffic is not None:
                published, received = self._topic_traffic_seen
                self._topic_traffic_seen = (traffic.published, traffic.received)
                self._count("sock_published_topic_messages", by=traffic.published - published)
                self._count("sock_received_topic_messages", by=traffic.received - received)

    def _take(self, event: str, fields: Mapping[str, Any]) -> None:
        take = self._takes.get(event)
        if take is not None:
            take(fields)

    def _count(self, name: str, *labels: str, by: float = 1) -> None:
        rows = self._counters[name]
        rows[labels] = rows.get(labels, 0) + by

    def _opened(self, fields: Mapping[str, Any]) -> None:
        self._count("sock_connections_opened")
        if not self._lag.measuring:
            self._measure_lag()
        self._connections.add(fields["connection"])

    def _closed(self, fields: Mapping[str, Any]) -> None:
        reason: Reason = fields["reason"]
        code = _code_label(fields["code"], reason)
        self._count("sock_connections_closed", code, type(reason).__name__)
        self._count("sock_dropped_messages", by=fields["dropped"])
        connection: Measured = fields["connection"]
        self._high_water = max(self._high_water, connection.mailbox_high_water)
        self._connections.discard(connection)

    def _refused(self, fields: Mapping[str, Any]) -> None:
        self._count("sock_refusals", str(fields["status"]))

    def _failed_handshake(self, _: Mapping[str, Any]) -> None:
        self._count("sock_refusals", "500")

    def _failed_callback(self, _: Mapping[str, Any]) -> None:
        self._count("sock_failed_callbacks")

    def _slow_turn(self, fields: Mapping[str, Any]) -> None:
        self._count("sock_slow_callbacks")
        self._slowest = max(self._slowest, fields["seconds"])

    def _failed_tls(self, _: Mapping[str, Any]) -> None:
        self._count("sock_failed_tls")

    def _paused_accepting(self, _: Mapping[str, Any]) -> None:
        self._count("sock_accept_pauses")

    def _told_connections(self, fields: Mapping[str, Any]) -> None:
        self._count("sock_connections_told", by=fields["connections"])

    def _began_drain(self, _: Mapping[str, Any]) -> None:
        self._draining += 1

    def _ended_drain(self, fields: Mapping[str, Any]) -> None:
        self._draining -= 1
        self._count("sock_connections_cut", by=fields["connections"])

    def _began_topics(self, fields: Mapping[str, Any]) -> None:
        self._topics.add(fields["running"])
        traffic: TopicTraffic = fields["traffic"]
        if self._topic_traffic is None:
            self._topic_traffic = traffic
            self._topic_traffic_seen = (traffic.published, traffic.received)

    # Levels.

    def _look_on(self) -> None:
        """Look at some more connections; after the last one, the levels of this pass count."""
        if len(self._connections) <= _LOOKS_PER_TICK:
            return  # they are looked at when somebody asks
        looked_at = self._next_levels.add(islice(self._pass, _LOOKS_PER_TICK))
        if looked_at < _LOOKS_PER_TICK:
            self._levels, self._next_levels = self._next_levels, _Levels()
            self._pass = iter(list(self._connections))


@final
class _Levels:
    """What is found by a look at each connection."""

    def __init__(self) -> None:
        self.pending = 0
        self.most_pending = 0
        self.high_water = 0

    @classmethod
    def of(cls, connections: list[Measured]) -> Self:
        levels = cls()
        levels.add(iter(connections))
        return levels

    def add(self, connections: Iterator[Measured]) -> int:
        """Look at some connections; return at how many."""
        count = 0
        for connection in connections:
            count += 1
            pending = connection.pending
            if pending:
                self.pending += pending
                self.most_pending = max(self.most_pending, pending)
            self.high_water = max(self.high_water, connection.mailbox_high_water)
        return count


def _traffic() -> dict[str, int]:
    """Return the counts of the connections, which go on as long as the process lives."""
    return {
        "sock_received_messages": RECEIVED.messages,
        "sock_received_bytes": RECEIVED.payload_bytes,
        "sock_sent_messages": SENT.messages,
        "sock_sent_bytes": SENT.payload_bytes,
    }


def _code_label(code: int | None, reason: Reason) -> str:
    """Return the label of a close code. A peer cannot make new ones without end."""
    if code is None:
        return "1005"  # RFC 6455 §7.4.1: "no status code was actually present"
    if isinstance(reason, Remote) and code >= 3000:
        return f"{code // 1000}xxx"
    return str(code)
