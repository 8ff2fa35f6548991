"""The control socket, asked by `sock ctl`."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sock.server.supervisor.control import listen
from tests.server.supervisor.command import BOUND, code_of

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


def test_the_control_socket_shows_the_workers_and_has_more_or_fewer(workers, run_async):
    served = workers("served:app", "--workers", "1", count=1)
    assert served.control.stat().st_mode & 0o777 == 0o600

    async def act():
        client = await served.connect()
        await client.recv()
        assert await asyncio.to_thread(served.ctl, "workers", "2") == (0, "2 workers\n")
        await asyncio.to_thread(served.wait_for, r"worker 1 \(\d+\) is ready")
        code, said = await asyncio.to_thread(served.ctl, "status", "--json")
        status = json.loads(said)
        assert code == 0
        assert status["urls"] == [f"http://127.0.0.1:{served.port}"]
        assert [one["state"] for one in status["workers"]] == ["ready", "ready"]
        code, said = await asyncio.to_thread(served.ctl, "status")
        heads = said.splitlines()[3].split()
        assert heads[:3] == ["slot", "pid", "state"]
        assert {"connections", "received", "sent", "memory", "lag"} <= set(heads)
        assert await asyncio.to_thread(served.ctl, "workers", "1") == (0, "1 worker\n")
        await client.send("still here")
        assert await client.recv() == "still here"
        await served.close_clients()

    run_async(act())
    assert served.ctl("drain") == (0, "the server is stopping\n")
    assert served.process.wait(BOUND) == 0
    assert not served.control.exists()


def test_the_status_has_the_messages_of_each_worker(workers, run_async):
    served = workers("served:app", "--workers", "1", count=1)

    async def act():
        client = await served.connect()
        await client.recv()
        for number in range(3):
            await client.send(str(number))
            await client.recv()
        worker, counted = {}, (3, 4)  # with what init sends
        while (worker.get("received"), worker.get("sent")) != counted:
            _, said = await asyncio.to_thread(served.ctl, "status", "--json")
            [worker] = json.loads(said)["workers"]
        assert worker["figures"] == {}  # only --metrics has them counted
        await served.close_clients()

    run_async(act())
    assert served.stop() == 0


def test_connections_are_listed_and_one_of_them_is_closed(workers, run_async):
    served = workers("served:app", "--workers", "1", count=1)

    async def act():
        clients = [await served.connect() for _ in range(3)]
        port = clients[1].local_address[1]
        _, said = await asyncio.to_thread(served.ctl, "connections", "--json")
        listed = json.loads(said)
        assert listed["total"] == 3
        [one] = [one for one in listed["connections"] if one["client"][1] == port]
        assert (one["path"], one["handler"]) == ("/", "Echo")
        assert (await asyncio.to_thread(served.ctl, "stop", one["id"]))[0] == 0
        assert await code_of(clients[1]) == 1012
        await clients[0].recv()
        await clients[0].send("still here")
        assert await clients[0].recv() == "still here"
        code, said = await asyncio.to_thread(served.ctl, "stop", one["id"])
        assert (code, said.startswith("sock: there is no connection")) == (1, True)
        await served.close_clients()

    run_async(act())
    assert served.stop() == 0


def test_a_control_socket_that_a_server_has_left_is_replaced(tmp_path):
    path = tmp_path / "control"
    listen(path).close()
    assert path.exists()
    listen(path).close()


def test_the_control_socket_of_a_live_server_and_another_file_stay(tmp_path):
    path = tmp_path / "control"
    with listen(path), pytest.raises(FileExistsError, match="control socket of another server"):
        listen(path)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(FileExistsError, match="is no socket"):
        listen(file)


def test_a_folder_that_others_may_enter_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with listen(None) as sock:
        path = Path(sock.getsockname())
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_mode & 0o777 == 0o600
    path.parent.chmod(0o755)
    with pytest.raises(PermissionError, match="0700"):
        listen(None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_is_refused_and_the_log_says_so(workers):
    served = workers("served:app", "--workers", "1", count=1)
    served.control.chmod(0o666)  # the file alone does not let anybody ask
    for folder in (served.folder, *served.folder.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    ask = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        ' s.connect(sys.argv[1]); s.sendall(b\'{"ask":"drain"}\\n\'); print(s.recv(1000))'
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, str(served.control)],
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )
    assert "only the user who runs the server may ask" in done.stdout
    served.wait_for("control socket: user 65534 was refused")
    assert served.ctl("status")[0] == 0
    assert served.stop() == 0


def test_a_question_that_is_none_is_refused_and_the_server_goes_on(workers):
    served = workers("served:app", "--workers", "1", count=1)
    for asked in (b"{\n", b"[]\n", b'{"ask":"x"}\n', b'{"ask":"workers"}\n'):
        assert refused(served, asked)
    assert served.ctl("status")[0] == 0
    assert served.stop() == 0


def refused(served, asked):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(BOUND)
        client.connect(str(served.control))
        client.sendall(asked)
        return json.loads(client.makefile().readline())["ok"] is False
