"""What the application under test keeps of its host's reports."""

import logging

from sock import telemetry
from sock.testing import request
from sock.testing.contract.reports import mark, private_text, reported, watch

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


def test_a_count_of_what_was_dropped_is_a_report_of_its_run():
    watch()
    before = mark()
    asked = request("/contract/one?run=run-5")
    for dropped in (0, 2):
        telemetry.emit(
            "connection.closed", request=asked, code=1000, reason=None, seconds=0, dropped=dropped
        )
    assert reported(before, "run-5") == ["2 dropped of run-5"]
