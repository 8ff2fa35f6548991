"""What a process is under gunicorn. Its end is in `test_answering.py`, topics over its workers in
`tests/examples/test_wsgi.py`."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from sock.adapters.wsgi import gunicorn as adapter

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(60)]


def test_a_process_that_gunicorn_has_not_started_is_none_of_its_workers():
    assert adapter.worker_object() is None
    assert adapter.as_worker() is None


def test_workers_of_one_gunicorn_have_one_folder_and_a_single_worker_has_none(gunicorn):
    def told(server):
        url = f"http://127.0.0.1:{server.port}/worker"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read().decode()

    two, others, one = (gunicorn("--workers", count) for count in "221")
    assert told(one) == "None"
    count, folder = told(two).split()
    assert (count, folder) == tuple(told(two).split())
    assert count == "2"
    assert str(two.process.pid) in Path(folder).name
    assert told(others).split()[1] != folder
