"""The lines about workers and reloads."""

import logging

import pytest

from sock.observe.worker_lines import described

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("event", "fields", "level", "text"),
    [
        (
            "worker.ready",
            {"slot": 1, "pid": 7, "seconds": 0.42},
            logging.INFO,
            "worker 1 (7) is ready after 0.4 s",
        ),
        (
            "worker.ended",
            {"slot": 0, "pid": 7, "code": -9, "state": "ready", "age": 3.0},
            logging.WARNING,
            "worker 0 (7) was killed by SIGKILL after 3.0 s",
        ),
        (
            "worker.ended",
            {"slot": 0, "pid": 7, "code": -64, "state": "ready", "age": 3.0},
            logging.WARNING,
            "worker 0 (7) was killed by SIGRTMAX after 3.0 s",
        ),
        (
            "worker.ended",
            {"slot": 0, "pid": 7, "code": 0, "state": "draining", "age": 3.0},
            logging.INFO,
            "worker 0 (7) has ended with 0 after 3.0 s",
        ),
        (
            "worker.waiting",
            {"slot": 0, "code": 1, "seconds": 4.0},
            logging.WARNING,
            "worker 0 is started again in 4 s",
        ),
        (
            "worker.failed",
            {"slot": 2, "error": OSError(11, "no processes")},
            logging.ERROR,
            "worker 2 cannot be started: [Errno 11] no processes",
        ),
        (
            "reload.failed",
            {"slot": 0, "code": 1},
            logging.ERROR,
            "reload failed: worker 0 did not start; the old workers go on",
        ),
    ],
)
def test_an_event_of_a_supervisor_is_a_line(event, fields, level, text):
    assert described(event, fields)[:2] == (level, text)


def test_another_event_is_none():
    assert described("server.started", {"urls": []}) is None
