"""The sums over workers, and their page."""

from __future__ import annotations

import pytest

from sock.observe.metrics import Figures, Totals

pytestmark = pytest.mark.one_form


def snapshot(sent=0, live=0, closed=(), lags=None):
    made = Figures().snapshot()
    made["counters"]["sock_sent_messages"] = [[[], sent]]
    made["counters"]["sock_connections_closed"] = [[list(labels), n] for *labels, n in closed]
    made["gauges"]["sock_connections_live"] = live
    if lags is not None:
        made["histograms"]["sock_loop_lag_seconds"] = {"counts": lags, "sum": 1.5}
    return made


def test_counters_of_workers_are_added_up_and_gauges_stay_apart(samples):
    totals = Totals()
    totals.update("1", snapshot(5, 2, [("1000", "Normal", 1), ("1006", "Remote", 4)]))
    totals.update("2", snapshot(7, 3, [("1000", "Normal", 2)]))
    got = samples(totals.render())
    assert got["sock_sent_messages_total",] == 12
    ends = "sock_connections_closed_total"
    assert got[ends, ("code", "1000"), ("reason", "Normal")] == 3
    assert got[ends, ("code", "1006"), ("reason", "Remote")] == 4
    assert got["sock_connections_live", ("worker", "1")] == 2
    assert got["sock_connections_live", ("worker", "2")] == 3


def test_a_newer_snapshot_takes_the_place_of_the_older_one(samples):
    totals = Totals()
    totals.update("1", snapshot(5))
    totals.update("1", snapshot(6))
    assert samples(totals.render())["sock_sent_messages_total",] == 6


def test_counters_never_fall_when_a_worker_goes_and_its_gauges_vanish(samples):
    totals = Totals()
    totals.update("1", snapshot(5, 2, lags=[1] * 11))
    totals.update("2", snapshot(7, 3, lags=[0] * 11))
    before = samples(totals.render())
    totals.retire("1")
    totals.update("3", snapshot(1, 1))
    after = samples(totals.render())
    assert after["sock_sent_messages_total",] == before["sock_sent_messages_total",] + 1
    assert after["sock_loop_lag_seconds_count",] == before["sock_loop_lag_seconds_count",] == 11
    assert ("sock_connections_live", ("worker", "1")) not in after
    assert after["sock_connections_live", ("worker", "3")] == 1


def test_a_worker_is_retired_once_and_an_unknown_one_not_at_all(samples):
    totals = Totals()
    totals.update("1", snapshot(5))
    for worker in ("1", "1", "never seen"):
        totals.retire(worker)
    assert samples(totals.render())["sock_sent_messages_total",] == 5


def test_what_a_worker_of_another_version_counts_is_left_out(samples):
    totals = Totals()
    newer = snapshot(5)
    newer["counters"]["sock_unknown"] = [[[], 1]]
    newer["gauges"]["sock_unknown"] = 1
    newer["histograms"]["sock_unknown"] = {"counts": [1], "sum": 1}
    totals.update("1", newer)
    totals.retire("1")
    got = samples(totals.render())
    assert got["sock_sent_messages_total",] == 5
    assert not [name for name, *_ in got if "unknown" in name]
