"""The first process of a container takes the exit codes of orphans, and of no child of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sock.server.supervisor import orphans

pytestmark = pytest.mark.one_form

# In a process of its own, to which the kernel gives the orphans below it, as to the first one.
INHERITS = """
import ctypes, os, pathlib, subprocess, time
from sock.server.supervisor.orphans import reap

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
own = subprocess.Popen(["sh", "-c", "exit 7"])
os.waitid(os.P_PID, own.pid, os.WEXITED | os.WNOWAIT)
assert reap({own.pid}) == 0
assert own.wait() == 7
subprocess.run(["sh", "-c", "sleep 0.1 & sleep 0.1 & exit 0"], check=True)
children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
assert len(children.read_text().split()) == 2
reaped = 0
deadline = time.monotonic() + 30
while reaped < 2 and time.monotonic() < deadline:
    reaped += reap(())
    time.sleep(0.01)
assert (reaped, children.read_text()) == (2, "")
assert reap(()) == 0
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has subreapers")
def test_orphans_are_reaped_and_the_exit_codes_of_own_children_stay():
    done = subprocess.run(
        [sys.executable, "-c", INHERITS], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_this_process_is_not_the_first():
    assert orphans.is_first_process() is (os.getpid() == 1)
