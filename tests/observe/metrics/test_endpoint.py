"""The address from which Prometheus takes the metrics, over real HTTP."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from sock import telemetry
from sock.observe.metrics import METRICS, Totals, served

pytestmark = pytest.mark.one_form


def get(port, accept="text/plain"):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - it is our own
        return answer.headers["Content-Type"], answer.read().decode()


def test_the_figures_of_a_process_are_read_over_http(figures):
    telemetry.emit("request.refused", client=None, status=400, detail="no request")
    with served(figures, "127.0.0.1", 0) as port:
        _, text = get(port)
        kind, open_ = get(port, "application/openmetrics-text; version=1.0.0")
    assert 'sock_refusals_total{status="400"} 1.0' in text
    assert [one.name for one in text_string_to_metric_families(text)] == list(METRICS)
    assert kind.startswith("application/openmetrics-text")
    assert [one.name for one in openmetrics(open_)] == list(METRICS)


def test_the_port_is_free_again_when_it_is_left():
    with served(Totals(), "127.0.0.1", 0) as port:
        pass
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(("127.0.0.1", port))


def test_a_port_in_use_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            with served(Totals(), "127.0.0.1", taken.getsockname()[1]):
                pass


def test_figures_are_a_collector_of_prometheus_client(figures):
    REGISTRY.register(figures)
    try:
        assert b"sock_connections_opened_total 0.0" in generate_latest(REGISTRY)
    finally:
        REGISTRY.unregister(figures)
