"""What a process is under a supervisor. Workers that are real are in tests/server/supervisor."""

import pytest

from sock.hosting import worker

pytestmark = pytest.mark.one_form


def test_a_process_without_a_supervisor_is_no_worker_and_one_with_is():
    assert worker.of_process() is None
    try:
        worker.set_of_process(worker.Worker(2, "/folder"))
        assert worker.of_process() == worker.Worker(2, "/folder")
    finally:
        worker.set_of_process(None)
