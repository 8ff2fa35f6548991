"""Metrics for Prometheus: the figures of a process, their sums over workers, and their page."""

from .catalogue import METRICS as METRICS
from .exposition import Page as Page
from .figures import Figures as Figures
from .figures import Snapshot as Snapshot
from .totals import Totals as Totals

__all__ = ["METRICS", "Figures", "Page", "Snapshot", "Totals"]
