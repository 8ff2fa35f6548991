"""What a process is under a supervisor. Workers that are real are in tests/server/supervisor."""

import time

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


def test_another_projects_server_is_asked_where_no_supervisor_has_said_it(monkeypatch):
    monkeypatch.setattr(worker, "_look", None)
    answers = [None, worker.Worker(3, "/theirs")]
    worker.look_with(lambda: answers.pop(0))
    assert worker.of_process() is None
    assert worker.of_process() == worker.Worker(3, "/theirs")
    monkeypatch.setattr(worker, "_of_process", worker.Worker(2, "/ours"))
    assert worker.of_process() == worker.Worker(2, "/ours")


def test_a_worker_that_leaves_waits_until_it_owes_no_answer(run_async):
    owes = [True, True, False]
    run_async(worker.wait_for_first_requests(lambda: owes.pop(0)))
    assert owes == []


def test_a_worker_that_leaves_waits_a_second_at_most(run_async):
    began = time.monotonic()
    run_async(worker.wait_for_first_requests(lambda: True))
    assert time.monotonic() - began > 0.9
