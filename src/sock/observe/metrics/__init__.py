"""Metrics for Prometheus: the figures of a process, their sums over workers, and their page."""

from .application import application as application
from .catalogue import METRICS as METRICS
from .endpoint import served as served
from .exposition import Page as Page
from .exposition import Snapshot as Snapshot
from .figures import Figures as Figures
from .totals import Totals as Totals

__all__ = ["METRICS", "Figures", "Page", "Snapshot", "Totals", "application", "served"]
