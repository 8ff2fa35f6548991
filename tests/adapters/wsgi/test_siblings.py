"""What a process is under gunicorn and uWSGI. Topics over them are in `tests/examples`."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from sock.adapters.wsgi import siblings
from tests.adapters.wsgi.test_uwsgi import SOCKET
from tests.adapters.wsgi.test_uwsgi import uwsgi as uwsgi

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(60)]


def told(port):
    url = f"http://127.0.0.1:{port}/worker"
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def test_a_process_that_gunicorn_has_not_started_is_none_of_its_workers():
    assert siblings.worker_object() is None
    assert siblings.as_worker() is None


def test_workers_of_one_gunicorn_have_one_folder_and_a_single_worker_has_none(gunicorn):
    two, others, one = (gunicorn("--workers", count) for count in "221")
    assert told(one.port) == "None"
    count, folder = told(two.port).split()
    assert (count, folder) == tuple(told(two.port).split())
    assert count == "2"
    assert str(two.process.pid) in Path(folder).name
    assert told(others.port).split()[1] != folder


def test_workers_of_one_uwsgi_have_one_folder(uwsgi):
    process, port, _ = uwsgi(*SOCKET, "--processes", "2")
    count, folder = told(port).split()
    assert count == "2"
    assert str(process.pid) in Path(folder).name
