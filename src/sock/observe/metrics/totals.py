"""The figures of several processes, added up: what the supervisor of workers shows.

the figure of        while the worker lives               after `retire`
-------------------  -----------------------------------  -------------------------------
a counter            counted in the sum                   stays in the sum: it never falls
a histogram          counted in the sum                   stays in the sum
a gauge              shown, with the label `worker`       vanishes
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .catalogue import METRICS
from .exposition import Page, Snapshot, families, rendered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.core import Metric as Family


@final
class Totals:
    """Adds up the snapshots of workers (`Figures.snapshot`). It may be used in any thread.

    It needs `prometheus_client` to render, and not before.

    >>> totals = Totals()
    >>> totals.update("1", {"counters": {"sock_sent_bytes": [[[], 5]]}})
    >>> totals.retire("1")
    >>> totals.update("2", {"counters": {"sock_sent_bytes": [[[], 3]]}})
    >>> b"sock_sent_bytes_total 8.0" in totals.render().body
    True
    """

    def __init__(self) -> None:
        self._workers: dict[str, Snapshot] = {}
        self._gone: Snapshot = {}

    def update(self, worker_id: str, snapshot: Snapshot) -> None:
        """Take the newest snapshot of a worker.

        Args:
            worker_id: the label of its gauges. It names one process: a process in its place has
                another id, or `retire` comes between the two.
            snapshot: of that process; names that are no metrics are left out.
        """
        self._workers[worker_id] = snapshot

    def retire(self, worker_id: str) -> None:
        """Take note that a worker has gone: its counters stay in the sums, its gauges vanish."""
        snapshot = self._workers.get(worker_id)
        if snapshot is not None:
            # In this order a reader in another thread may count the worker twice, but not miss it.
            self._gone = _sum((self._gone, snapshot))
            self._workers.pop(worker_id, None)

    def collect(self) -> Iterable[Family]:
        """Return the metrics, as a collector of prometheus_client does.

        Raises:
            ImportError: prometheus_client is not installed.
        """
        workers = dict(self._workers)
        gauges = {worker: one.get("gauges", {}) for worker, one in workers.items()}
        return families(_sum((self._gone, *workers.values())), gauges)

    def render(self, accept: str = "") -> Page:
        """Return the page of metrics.

        Args:
            accept: the field Accept of the request, which chooses between the text format of
                Prometheus and OpenMetrics.

        Raises:
            ImportError: prometheus_client is not installed.
        """
        return rendered(self, accept)


def _sum(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Add up the counters and the histograms of several snapshots."""
    counters: dict[str, dict[tuple[str, ...], float]] = {}
    histograms: dict[str, Any] = {}
    for snapshot in snapshots:
        for name, rows in snapshot.get("counters", {}).items():
            if name in METRICS:
                sums = counters.setdefault(name, {})
                for labels, number in rows:
                    sums[*labels] = sums.get((*labels,), 0) + number
        for name, one in snapshot.get("histograms", {}).items():
            if name in METRICS:
                size = len(METRICS[name].bounds) + 1
                before = histograms.get(name, {"counts": [0] * size, "sum": 0.0})
                counts = [a + b for a, b in zip(before["counts"], one["counts"], strict=True)]
                histograms[name] = {"counts": counts, "sum": before["sum"] + one["sum"]}
    return {
        "counters": {
            name: [[list(labels), number] for labels, number in sums.items()]
            for name, sums in counters.items()
        },
        "histograms": histograms,
    }
