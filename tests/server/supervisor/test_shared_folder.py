"""The folder of the workers' own files is gone after every end of the supervisor."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import tempfile

import pytest

from sock.server.supervisor.shared_folder import shared_folder

pytestmark = pytest.mark.one_form

HOLDS = """
from sock.server.supervisor.shared_folder import shared_folder

with shared_folder() as folder:
    (folder / "a.sock").touch()
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Let temporary folders be in a folder of this test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def holder():
    """Start a process that holds a folder, and return it when it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_it_is_this_users_alone_and_gone_at_the_end(temporary):
    with shared_folder() as folder:
        assert [*temporary.iterdir()] == [folder]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "a.sock").touch()
    assert [*temporary.iterdir()] == []


def test_the_next_start_removes_what_a_killed_supervisor_has_left(temporary, holder):
    [left] = temporary.iterdir()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert left.exists()
    with shared_folder() as folder:
        assert [*temporary.iterdir()] == [folder]


def test_the_folder_of_a_supervisor_that_runs_stays(temporary, holder):
    [other] = temporary.iterdir()
    with shared_folder():
        pass
    assert [*temporary.iterdir()] == [other]
    assert [one.name for one in other.iterdir()] == ["a.sock"]


def test_what_is_no_folder_of_ours_stays(temporary):
    (temporary / "sock-workers-file").touch()
    (temporary / "elsewhere").mkdir()
    (temporary / "sock-workers-link").symlink_to(temporary / "elsewhere")
    before = {*temporary.iterdir()}
    with shared_folder():
        pass
    assert {*temporary.iterdir()} == before
