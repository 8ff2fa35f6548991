"""The page "Deploy": its units are valid, their commands serve, also as the first process."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import websockets
from click.testing import CliRunner

from sock.cli.command import main
from tests.needed import needed

pytestmark = pytest.mark.one_form

PAGE = Path(__file__).parents[2] / "docs/howto/deploy.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_systemd_takes_both_units(tmp_path):
    needed("systemd-analyze", "systemd")
    service, socket = blocks("ini")
    # What the page says of a machine of its own is true of this one, too.
    service = service.replace("/srv/chat/venv/bin/sock", sys.executable)
    service = service.replace("/srv/chat", str(tmp_path)).replace("User=chat", "User=root")
    for name, text in (("chat.service", service), ("chat.socket", socket)):
        (tmp_path / name).write_text(text.replace("SocketGroup=www-data", "SocketGroup=root"))
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            tmp_path / "chat.service",
            tmp_path / "chat.socket",
        ],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    about_ours = [line for line in done.stderr.splitlines() if "chat." in line]
    assert about_ours == []


def test_every_command_of_the_page_has_right_options(monkeypatch, tmp_path):
    monkeypatch.setattr("sock.server.run", lambda app, **arguments: served.append(arguments))
    supervised = "sock.server.supervisor.run.supervise"
    monkeypatch.setattr(supervised, lambda settings, where: served.append(where))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat.py").write_text("def app(request): ...")
    served = []
    unit = blocks("ini")[0].replace("\\\n", " ")
    commands = re.findall(r"^ExecStart=\S+/sock (run .*)$", unit, re.MULTILINE)
    commands += re.findall(r"`sock (run [^`]+)`", PAGE.read_text())
    commands += [
        " ".join(re.findall(r'"([^"]+)"', line)).removeprefix("sock ")
        for line in re.findall(r"^CMD \[(.*)\]$", blocks("dockerfile")[0], re.MULTILINE)
    ]
    monkeypatch.setattr("sock.cli.command.end_process", lambda *_: None)
    for command in commands:
        result = CliRunner().invoke(main, [*command.split(), "--app-dir", str(tmp_path)])
        assert result.exit_code == 0, result.output
    assert len(served) == len(commands) >= 3


APP = """
import asyncio
import pathlib
import subprocess
import sock

class Chat(sock.TextSock):
    async def handle_in(self, text):
        if text == "orphan":  # a program whose own program outlives it
            await asyncio.to_thread(subprocess.run, ["sh", "-c", "sleep 0.1 & exit 0"])
            return "left behind"
        pathlib.Path("working").touch()
        while not pathlib.Path("done").exists():
            await asyncio.sleep(0.02)
        return "done"

app = Chat
"""

BOUND = 40.0


def container(*command):
    """Return a command that runs another one as the first process of a namespace of its own."""
    own = [needed("unshare", "util-linux"), "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid():
        own += ["--user", "--map-root-user"]
    tried = subprocess.run([*own, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine does not let us make a namespace: {tried.stderr.strip()}")
    return [*own, *command]


def children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def eventually(condition):
    async with asyncio.timeout(BOUND):
        while not condition():
            await asyncio.sleep(0.05)


async def probe(port):
    """Ask as the page does; return the exit code and what is printed."""
    curl = next(line for line in blocks("console")[0].splitlines() if line.startswith("$ curl"))
    command = curl.removeprefix("$ ").replace(":8000", f":{port}").split()
    asking = await asyncio.create_subprocess_exec(
        needed(command[0]), *command[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    out, _ = await asyncio.wait_for(asking.communicate(), BOUND)
    return asking.returncode, out.decode()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are of Linux")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [0, 1])
def test_the_first_process_of_a_container_drains_and_leaves_no_zombies(
    tmp_path, run_async, workers
):
    (tmp_path / "chat.py").write_text(APP)
    command = json.loads(re.search(r"^CMD (\[.*\])$", blocks("dockerfile")[0], re.MULTILINE)[1])
    assert command[0] == "sock"
    more = ["--host", "127.0.0.1", "--port", "0", *(["--workers", "1"] if workers else [])]
    server = subprocess.Popen(
        container(sys.executable, "-m", *command, *more),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )

    async def act():
        line = next(line for line in server.stderr if "listening" in line)
        port = int(re.search(r":(\d+)$", line.rstrip())[1])
        [first] = children(server.pid)
        async with websockets.connect(f"ws://127.0.0.1:{port}/") as client:
            if workers:
                for _ in range(2):
                    await client.send("orphan")
                    assert await client.recv() == "left behind"
                await eventually(lambda: len(children(first)) == workers)
            assert await probe(port) == (0, "ok")
            await client.send("work")
            await eventually((tmp_path / "working").exists)
            os.kill(first, signal.SIGTERM)
            for line in server.stderr:
                if "stopping, 1 connection" in line:
                    break
            assert await probe(port) == (7, "")
            (tmp_path / "done").touch()
            assert await client.recv() == "done"
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await client.recv()
            assert closed.value.rcvd.code == 1012

    try:
        run_async(act())
        server.communicate(timeout=BOUND)
        assert server.returncode == 0
    finally:
        server.kill()
        server.communicate()
