"""What is counted in one process."""

from __future__ import annotations

import asyncio
import json

import pytest

from sock import Failed, Normal, Remote, Request, Shutdown, telemetry
from sock.observe.metrics import METRICS

pytestmark = pytest.mark.one_form

REQUEST = Request("GET", "/")


class Connection:
    """A connection, as far as its figures are read."""

    def __init__(self, pending=0, mailbox_high_water=0):
        self.pending = pending
        self.mailbox_high_water = mailbox_high_water


def opened(connection):
    telemetry.emit("connection.opened", request=REQUEST, connection=connection)


def closed(connection, reason=None, code=1000, dropped=0):
    reason = reason or Normal()
    told = {"reason": reason, "code": code, "dropped": dropped, "seconds": 1.0}
    telemetry.emit("connection.closed", request=REQUEST, connection=connection, **told)


def counted(figures, name):
    return {tuple(labels): number for labels, number in figures.snapshot()["counters"][name]}


def test_a_snapshot_has_every_metric_and_can_be_sent_as_json(figures):
    snapshot = json.loads(json.dumps(figures.snapshot()))
    assert set(METRICS) == {name for kind in snapshot.values() for name in kind}
    for kind, names in snapshot.items():
        assert {METRICS[name].kind for name in names} == {kind.removesuffix("s")}


def test_connections_are_counted_when_they_open_and_when_they_close(figures):
    first, second = Connection(), Connection()
    opened(first)
    opened(second)
    closed(first)
    assert counted(figures, "sock_connections_opened") == {(): 2}
    assert counted(figures, "sock_connections_closed") == {("1000", "Normal"): 1}
    assert figures.snapshot()["gauges"]["sock_connections_live"] == 1


@pytest.mark.parametrize(
    ("reason", "code", "label"),
    [
        (Shutdown(), 1012, "1012"),
        (Failed(RuntimeError()), 4001, "4001"),
        (Remote(1001), 1001, "1001"),
        (Remote(1005), None, "1005"),
    ],
)
def test_an_end_is_counted_by_its_code_and_its_reason(figures, reason, code, label):
    closed(Connection(), reason, code)
    labels = (label, type(reason).__name__)
    assert counted(figures, "sock_connections_closed") == {labels: 1}


def test_peers_cannot_make_rows_without_end_by_codes_of_their_own(figures):
    for code in range(3000, 5000):
        closed(Connection(), Remote(code), code)
    rows = {("3xxx", "Remote"): 1000, ("4xxx", "Remote"): 1000}
    assert counted(figures, "sock_connections_closed") == rows


def test_refusals_of_every_kind_are_counted_by_their_status(figures):
    telemetry.emit("request.refused", client=None, status=400, detail="no request")
    telemetry.emit("handshake.refused", request=REQUEST, status=400, detail="no handshake")
    telemetry.emit("handshake.failed", request=REQUEST, error=RuntimeError())
    assert counted(figures, "sock_refusals") == {("400",): 2, ("500",): 1}


def test_the_bytes_that_wait_are_those_of_the_live_connections(figures):
    for pending in (0, 10, 30):
        opened(Connection(pending))
    gone = Connection(1000)
    opened(gone)
    closed(gone)
    gauges = figures.snapshot()["gauges"]
    assert gauges["sock_send_buffer_bytes"] == 40
    assert gauges["sock_send_buffer_largest_bytes"] == 30


def test_the_high_water_of_mailboxes_outlives_the_connection(figures):
    def high_water():
        return figures.snapshot()["gauges"]["sock_mailbox_high_water"]

    first, second = Connection(0, 7), Connection(0, 3)
    opened(first)
    opened(second)
    assert high_water() == 7
    closed(first)
    assert high_water() == 7
    second.mailbox_high_water = 9
    closed(second)
    assert high_water() == 9


async def eventually(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.05)


def test_the_buffers_of_many_connections_are_looked_at_over_several_ticks(figures):
    def waiting():
        return figures.snapshot()["gauges"]["sock_send_buffer_bytes"]

    async def main():
        figures.begin()
        for _ in range(2500):
            opened(Connection(2))
        await eventually(lambda: waiting() == 5000)

    asyncio.run(main())


def test_a_drain_is_shown_while_it_lasts_and_what_it_cut_is_counted(figures):
    telemetry.emit("server.draining", connections=3, seconds=1.0)
    for batch in (2, 1):
        telemetry.emit("drain.told", connections=batch)
    assert counted(figures, "sock_connections_told") == {(): 3}
    assert figures.snapshot()["gauges"]["sock_draining"] == 1
    telemetry.emit("server.stopped", connections=2)
    assert figures.snapshot()["gauges"]["sock_draining"] == 0
    assert counted(figures, "sock_connections_cut") == {(): 2}


def test_callbacks_that_block_the_loop_are_counted_and_the_longest_is_kept(figures):
    for seconds in (0.2, 0.7, 0.3):
        telemetry.emit("turn.slow", seconds=seconds)
    assert counted(figures, "sock_slow_callbacks") == {(): 3}
    assert figures.snapshot()["gauges"]["sock_slowest_callback_seconds"] == 0.7


def test_what_keeps_connections_from_coming_in_is_counted(figures):
    telemetry.emit("tls.failed", client=None, detail="plain HTTP")
    telemetry.emit("accept.paused", error=OSError(), seconds=1.0)
    assert counted(figures, "sock_failed_tls") == {(): 1}
    assert counted(figures, "sock_accept_pauses") == {(): 1}


def test_figures_that_have_ended_count_nothing_more(figures):
    figures.end()
    opened(Connection())
    assert counted(figures, "sock_connections_opened") == {(): 0}


def test_figures_may_begin_again(figures):
    figures.end()
    figures.begin()
    figures.begin()
    opened(Connection())
    assert counted(figures, "sock_connections_opened") == {(): 1}


class Topics:
    """A PubSub in one event loop, as far as its figures are read."""

    topic_count, listener_count, entry_count, is_up = 3, 5, 7, False


class Traffic:
    """What has gone over topics."""

    published, received = 10, 20


def test_topics_are_counted_since_the_figures_have_begun(figures):
    running, traffic = Topics(), Traffic()
    telemetry.emit("pubsub.began", url="redis:", running=running, traffic=traffic)
    traffic.published, traffic.received = 11, 22
    for event in ("gap", "lost", "rejected"):
        telemetry.emit(f"pubsub.{event}", url="redis:", topic="a", error=OSError(), count=1)
    for name, number in (
        ("sock_published_topic_messages", 1),
        ("sock_received_topic_messages", 2),
        ("sock_topic_gaps", 1),
        ("sock_lost_topic_messages", 1),
        ("sock_rejected_topic_messages", 1),
    ):
        assert counted(figures, name) == {(): number}
    gauges = figures.snapshot()["gauges"]
    assert [gauges[name] for name in ("sock_topics", "sock_topic_listeners")] == [3, 5]
    assert gauges["sock_presence_entries"] == 7
    assert gauges["sock_backends_away"] == 1
    telemetry.emit("pubsub.ended", url="redis:", running=running)
    assert figures.snapshot()["gauges"]["sock_backends_away"] == 0
