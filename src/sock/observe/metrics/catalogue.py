"""All metrics: their names, their kinds, their labels, and what they say.

The names are those of Prometheus without `_total`, which the exposition adds to the counters. A
metric is added here, where it is counted (`figures.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]


@final
@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Args:
        name: in Prometheus, without `_total`.
        kind: counters and histograms of several processes are added up; a gauge stays that of its
            process, which the label `worker` names.
        help: one sentence for whoever reads the page of metrics.
        labels: the names of the labels, in the order of the values in a snapshot.
        bounds: of a histogram: the upper bounds of its buckets, without the last one, which is
            infinite.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric("sock_connections_live", "gauge", "Connections that are open now."),
        Metric("sock_connections_opened", "counter", "Connections that have been opened."),
        Metric(
            "sock_connections_closed",
            "counter",
            "Connections that have ended, by the close code and by the reason.",
            ("code", "reason"),
        ),
        Metric("sock_received_messages", "counter", "Messages that have been received."),
        Metric("sock_received_bytes", "counter", "Bytes of the messages that have been received."),
        Metric("sock_sent_messages", "counter", "Messages that have been sent."),
        Metric("sock_sent_bytes", "counter", "Bytes of the messages that have been sent."),
        Metric(
            "sock_dropped_messages",
            "counter",
            "Messages that were pushed to a peer that had gone.",
        ),
        Metric(
            "sock_refusals",
            "counter",
            "Requests that were refused, by the status of the answer.",
            ("status",),
        ),
        Metric(
            "sock_failed_tls",
            "counter",
            "Connections that were refused because what came was not the TLS that is spoken.",
        ),
        Metric(
            "sock_accept_pauses",
            "counter",
            "Times that nothing was accepted because descriptors or memory had run out.",
        ),
        Metric(
            "sock_failed_callbacks",
            "counter",
            "Exceptions that the callbacks of handlers have raised.",
        ),
        Metric(
            "sock_slow_callbacks",
            "counter",
            "Times that callbacks have blocked the event loop for 0.1 s or more.",
        ),
        Metric(
            "sock_slowest_callback_seconds",
            "gauge",
            "The longest time that callbacks have blocked the event loop since the process began.",
        ),
        Metric("sock_send_buffer_bytes", "gauge", "Bytes that wait for the peers to take them."),
        Metric(
            "sock_send_buffer_largest_bytes",
            "gauge",
            "Bytes that wait for the peer that has left the most waiting.",
        ),
        Metric(
            "sock_mailbox_high_water",
            "gauge",
            "The most messages and infos that have waited for one handler since the process began.",
        ),
        Metric(
            "sock_loop_lag_seconds",
            "histogram",
            "How late the event loop was with a timer that is due four times a second.",
            bounds=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
        ),
        Metric("sock_draining", "gauge", "1 while the process ends its connections, else 0."),
        Metric(
            "sock_connections_told",
            "counter",
            "Connections that a drain has told to end, one batch after the other.",
        ),
        Metric(
            "sock_connections_cut",
            "counter",
            "Connections that a drain has cut, because its time was up.",
        ),
        Metric(
            "sock_topics",
            "gauge",
            "Topics that connections of the process listen to.",
        ),
        Metric(
            "sock_topic_listeners",
            "gauge",
            "Connections that listen to some topic.",
        ),
        Metric(
            "sock_presence_entries",
            "gauge",
            "Entries of presence that connections of the process have.",
        ),
        Metric(
            "sock_published_topic_messages",
            "counter",
            "Messages of topics that have been published.",
        ),
        Metric(
            "sock_received_topic_messages",
            "counter",
            "Messages of topics that other processes have sent to listeners of this one.",
        ),
        Metric(
            "sock_lost_topic_messages",
            "counter",
            "Messages of topics that the backend has not taken, as far as is known.",
        ),
        Metric(
            "sock_rejected_topic_messages",
            "counter",
            "Messages of topics that were dropped because they could not be read.",
        ),
        Metric(
            "sock_topic_gaps",
            "counter",
            "Times that messages of a topic may have been missed.",
        ),
        Metric(
            "sock_backends_away",
            "gauge",
            "Backends of topics that are not reached now.",
        ),
    )
}
"""The metrics by their names, in the order in which they are shown."""
