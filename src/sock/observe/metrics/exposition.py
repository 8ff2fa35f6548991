"""From figures to the page that Prometheus reads, with the help of prometheus_client."""

from __future__ import annotations

import importlib.util
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from .catalogue import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.core import Metric as Family


Snapshot: TypeAlias = dict[str, dict[str, Any]]
"""The figures of a process; `figures.py` says what is in it."""


class Page(NamedTuple):
    """A page of metrics."""

    content_type: str
    body: bytes


class Collector(Protocol):
    """An object whose metrics are shown; a collector of prometheus_client is one."""

    def collect(self) -> Iterable[Family]:
        """Return the metrics as they are now."""
        ...


def check_installed() -> None:
    """Refuse to go on without prometheus_client.

    Raises:
        ImportError: it is not installed; the text says what to do.
    """
    if importlib.util.find_spec("prometheus_client") is None:
        raise ImportError("prometheus_client is not installed: pip install 'sockpy[metrics]'")


def families(sums: Snapshot, gauges: Mapping[str, Mapping[str, Any]]) -> Iterator[Family]:
    """Return all metrics in the form of prometheus_client.

    Args:
        sums: counters and histograms.
        gauges: those of each worker.
    """
    check_installed()
    from prometheus_client import core

    for metric in METRICS.values():
        name = metric.name
        if metric.kind == "counter":
            counter = core.CounterMetricFamily(name, metric.help, labels=metric.labels)
            for labels, number in sums.get("counters", {}).get(name, ()):
                counter.add_metric(labels, number)
            yield counter
        elif metric.kind == "gauge":
            gauge = core.GaugeMetricFamily(name, metric.help, labels=("worker",))
            for worker, levels in gauges.items():
                if name in levels:
                    gauge.add_metric((worker,), levels[name])
            yield gauge
        else:
            histogram = core.HistogramMetricFamily(name, metric.help, labels=())
            one = sums.get("histograms", {}).get(name)
            if one is not None:
                bounds = (*(str(bound) for bound in metric.bounds), "+Inf")
                counts: list[int] = one["counts"]
                buckets = zip(bounds, accumulate(counts), strict=True)
                histogram.add_metric((), [*buckets], one["sum"])
            yield histogram


def rendered(collector: Collector, accept: str) -> Page:
    """Return the page of a collector's metrics.

    Args:
        collector: whose metrics are shown.
        accept: the field Accept of the request, which chooses between the text format of
            Prometheus and OpenMetrics.

    Raises:
        ImportError: prometheus_client is not installed.
    """
    check_installed()
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    encode, content_type = choose_encoder(accept)
    return Page(content_type, encode(registry))
