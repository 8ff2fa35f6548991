"""One run of a supervisor, with its signals."""

import signal
import subprocess
import sys

import pytest

from tests.server.supervisor.command import run

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


def test_every_process_writes_its_stacks_on_sigquit(workers):
    served = workers("served:app", "--workers", "2")
    served.signal(signal.SIGQUIT)
    # Three threads each. All write at the same time, so lines are torn, but not these words.
    served.wait_until(lambda: served.said.count("(most recent call first)") >= 9)
    assert served.stop() == 0


def test_a_port_in_use_is_one_line(workers):
    served = workers("served:app", "--workers", "1", count=1)
    done = run(served.folder, "served:app", "--workers", "2", "--port", str(served.port))
    line = f"sock: port {served.port} of 127.0.0.1 is in use. --port 0 picks a free one.\n"
    assert (done.returncode, done.stderr) == (1, line)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("none/control", "its folder does not exist"),
        ("served.py", "served.py is there, and is no socket"),
        ("x" * 200, "AF_UNIX path too long"),
    ],
)
def test_a_control_socket_that_cannot_be_made_is_one_line(tmp_path, path, why):
    (tmp_path / "served.py").write_text("import sock\napp = sock.Sock\n")
    done = run(tmp_path, "served:app", "--workers", "1", "--port", "0", "--control", path)
    assert (done.returncode, done.stderr) == (1, f"sock: control socket {path}: {why}.\n")


IN_THIS_PROCESS = """
import sys
from sock.cli import main
try:
    main(["run", "served:app", "--workers", "1", "--port", "0"])
finally:
    print("imported", *sorted(name for name in sys.modules if name == "served"), file=sys.stderr)
    sys.stderr.flush()
"""


def test_the_supervisor_does_not_import_the_application(tmp_path):
    (tmp_path / "served.py").write_text("import sock\napp = sock.Sock\n")
    process = subprocess.Popen(
        [sys.executable, "-c", IN_THIS_PROCESS],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in process.stderr:
            if "listening on" in line:
                process.send_signal(signal.SIGTERM)
                break
        said = process.stderr.read()
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    assert sorted(line for line in said.splitlines() if line.startswith("imported")) == [
        "imported",
        "imported served",
    ]
