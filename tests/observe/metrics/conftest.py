"""Figures that count while a test runs, and pages read by Prometheus' own parser."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sock.observe.metrics import Figures


@pytest.fixture
def figures():
    """Figures of this process, which count until the test ends."""
    with Figures() as figures:
        yield figures


@pytest.fixture
def samples():
    """Read a page in the text format: the value of each sample by its name and its labels."""

    def samples(page):
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page.body.decode())
            for sample in family.samples
        }

    return samples
