"""What the application under test keeps of its host's reports."""

import logging

import pytest

from sock import telemetry
from sock.testing import request
from sock.testing.contract.reports import counts_dropped, mark, private_text, reported, watch

LOG = logging.getLogger("a program's own")


def test_a_record_is_kept_once_also_where_no_handler_takes_it(monkeypatch):
    monkeypatch.setattr(LOG, "propagate", False)
    watch()
    watch()
    before = mark()
    LOG.error("something about %s", "run-1")
    LOG.error("something about %s", "run-2")
    assert reported(before, "run-1") == ["ERROR something about run-1"]


def test_what_was_reported_before_the_mark_is_left_out(monkeypatch):
    monkeypatch.setattr(LOG, "propagate", False)
    watch()
    LOG.error("about run-3")
    assert reported(mark(), "run-3") == []


def test_a_report_has_the_traceback_of_its_exception(monkeypatch):
    monkeypatch.setattr(LOG, "propagate", False)
    watch()
    before = mark()
    try:
        raise LookupError(private_text("run-4"))
    except LookupError:
        LOG.exception("raised")
    (report,) = reported(before, private_text("run-4"))
    assert report.startswith("ERROR raised\nTraceback")


def test_a_count_of_what_was_dropped_is_a_report_of_its_path():
    watch()
    before = mark()
    asked = request("/contract/one?run=run-5")
    for dropped in (0, 2):
        telemetry.emit(
            "connection.closed", request=asked, code=1000, reason=None, seconds=0, dropped=dropped
        )
    assert reported(before, "/contract/one") == ["2 messages dropped: /contract/one?run=run-5"]


@pytest.mark.parametrize(
    "line",
    [
        "GET /chat?run=*** closed 1000 by the peer, 1000, lived 0.352 s, 2 messages dropped",
        "/chat is over, dropped: 2",
        "/chat is over, dropped=2, pushed=7",
    ],
)
def test_a_plain_line_may_count_what_was_dropped(line):
    """[S7.10]"""
    assert counts_dropped(line, 2)


@pytest.mark.parametrize(
    "line",
    [
        "GET /chat closed 1000, lived 2 s",
        "/chat is over, 12 messages dropped",
        "/chat is over, dropped=0, pushed=2",
        "/chat is over, lived 0.2 s, no message was dropped",
    ],
)
def test_a_line_without_the_number_counts_nothing_dropped(line):
    assert not counts_dropped(line, 2)
