"""The page that Prometheus reads."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from sock.observe.metrics import METRICS, Figures, Totals

pytestmark = pytest.mark.one_form


def test_the_buckets_of_a_histogram_are_cumulative(samples):
    totals = Totals()
    counts = [1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 4]
    totals.update("1", {"histograms": {"sock_loop_lag_seconds": {"counts": counts, "sum": 1.5}}})
    got = samples(totals.render())
    bucket = "sock_loop_lag_seconds_bucket"
    assert [got[bucket, ("le", le)] for le in ("0.001", "0.005", "0.01", "5.0", "+Inf")] == [
        1,
        3,
        6,
        6,
        10,
    ]
    assert got["sock_loop_lag_seconds_sum",] == 1.5


def test_the_page_names_every_metric_in_the_form_that_was_asked_for():
    totals = Totals()
    totals.update("1", Figures().snapshot())
    text = totals.render("text/plain;version=0.0.4")
    assert text.content_type.startswith("text/plain")
    families = list(text_string_to_metric_families(text.body.decode()))
    assert [one.name for one in families] == list(METRICS)
    assert [one.type for one in families] == [one.kind for one in METRICS.values()]
    open_ = totals.render("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert open_.content_type.startswith("application/openmetrics-text")
    assert [one.name for one in openmetrics(open_.body.decode())] == list(METRICS)
