"""Findings for reports, and the server that is tried."""

from __future__ import annotations

import pytest

from sock.cli.check.finding import STATEMENTS, WIRE, Finding
from sock.cli.check.watch import Sample, Watched
from sock.testing.wire import Verdict
from tests.certificate import tls as tls

MIB = 2**20


@pytest.fixture
def findings():
    """One of each verdict, and two equal remarks."""
    words = "expected this", "seen that \x1b[31m", "because"
    frames, remark = (WIRE, " 4 Frames"), ("It might.", "SHOULD", "RFC 6455 §5", Verdict.REMARK)
    skipped = ("Not here.", "MUST", "RFC 7692 §6", Verdict.SKIPPED, "", "none")
    return [
        Finding(*frames, "4.1", "It holds.", "MUST", "RFC 6455 §5.2", Verdict.HELD),
        Finding(*frames, "4.2", "It falls.", "MUST", "RFC 6455 §5.1", Verdict.FELL, *words),
        Finding(*frames, "4.3", *remark, *words),
        Finding(*frames, "4.4", *remark, *words),
        Finding(WIRE, "10 Compression", "10.1", *skipped),
        Finding(STATEMENTS, "S7", "a_case", "A case.", "MUST", "[S7.5]", Verdict.FELL, "", "ended"),
    ]


@pytest.fixture
def watched():
    """A process that keeps what it has."""
    return Watched(Sample(20 * MIB, 10, 1.0), Sample(90 * MIB, 40, 3.0), Sample(99 * MIB, 50, 3.0))
