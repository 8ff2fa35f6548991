"""Workers under a supervisor: the real command, real sockets, real signals."""

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

BOUND = 60
pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


async def code_of(client):
    try:
        while True:
            await client.recv()
    except websockets.ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


def edit(folder, old, new):
    file = folder / "served.py"
    file.write_text(file.read_text().replace(old, new))


class Talk:
    """Clients that send and expect an answer all the time, and connect again when told to."""

    def __init__(self, served, count):
        self.served, self.over = served, False
        self.codes, self.refused, self.unanswered, self.answered = [], [], 0, 0
        self.tasks = [asyncio.create_task(self._talk()) for _ in range(count)]

    async def _talk(self):
        while not self.over:
            try:
                client = await self.served.connect()
            except (OSError, websockets.WebSocketException) as error:
                self.refused.append(repr(error))
                continue
            try:
                await client.recv()
                while not self.over:
                    await client.send("hello")
                    assert await client.recv() == "hello"
                    self.answered += 1
                    await asyncio.sleep(0.05)
                await client.close()
            except websockets.ConnectionClosed as closed:
                self.codes.append(None if closed.rcvd is None else closed.rcvd.code)

    async def end(self):
        self.over = True
        await asyncio.gather(*self.tasks)


@pytest.mark.parametrize("app", ["app", "asgi"])
def test_no_connection_is_refused_while_all_workers_are_replaced(workers, run_async, app):
    served = workers(f"served:{app}", "--workers", "2")

    async def act():
        talk = Talk(served, 20)
        for number in range(1, 3):
            served.signal(signal.SIGHUP)
            await asyncio.to_thread(
                served.wait_until,
                lambda number=number: served.said.count("all workers are new") >= number,
            )
        await talk.end()
        assert talk.refused == []
        assert talk.answered > 100
        assert set(talk.codes) == {1012}

    run_async(act())
    assert served.stop() == 0
    assert served.said.count("reload: all workers are new") == 2


def test_a_worker_more_and_a_worker_less_refuse_no_connection(workers, run_async):
    served = workers("served:app", "--workers", "1", count=1)

    async def act():
        talk = Talk(served, 15)
        served.signal(signal.SIGTTIN)
        await asyncio.to_thread(served.wait_for, r"worker 1 \(\d+\) is ready")
        served.signal(signal.SIGTTOU)
        await asyncio.to_thread(served.wait_for, r"worker 1 \(\d+\) has ended with 0")
        await talk.end()
        assert talk.refused == []
        assert set(talk.codes) <= {1012}

    run_async(act())
    assert served.stop() == 0


def test_a_worker_that_is_killed_is_replaced_and_the_others_go_on(workers, run_async):
    served = workers("served:app", "--workers", "2")

    async def act():
        clients = {}
        while len(clients) < 2:
            client = await served.connect()
            clients[int((await client.recv()).split()[1])] = client
        (killed, lost), (_, kept) = clients.items()
        os.kill(killed, signal.SIGKILL)
        assert await code_of(lost) is None
        await asyncio.to_thread(
            served.wait_until, lambda: served.said.count(" is ready after ") >= 3
        )
        await kept.send("still here")
        assert await kept.recv() == "still here"

    run_async(act())
    assert re.search(r"warning  worker \d \(\d+\) was killed by SIGKILL after", served.said)
    assert served.stop() == 0


def test_a_worker_that_blocks_its_loop_writes_its_stacks_and_is_replaced(workers, run_async):
    served = workers("served:app", "--workers", "1", "--worker-timeout", "3", count=1)

    async def act():
        client = await served.connect()
        await client.recv()
        await client.send("block")
        assert await code_of(client) is None
        again = await served.connect()  # waits in the backlog until there is a worker
        assert (await again.recv()).startswith("1 ")
        await again.close()

    run_async(act())
    assert "has blocked its event loop for" in served.said
    assert re.search(r'served.py", line \d+ in handle_in', served.said)
    assert served.stop() == 0


def test_a_reload_that_cannot_start_leaves_the_old_workers_and_one_that_can_follows(
    workers, run_async
):
    served = workers("served:app", "--workers", "2")

    async def act():
        client = await served.connect()
        assert (await client.recv()).startswith("1 ")
        edit(served.folder, "VERSION = 1", "VERSION = 2 +")
        code, said = await asyncio.to_thread(served.ctl, "reload")
        assert code == 1
        assert said == (
            "sock: the reload has failed: worker 0 did not start; the old workers go on."
            " The server's log says why.\n"
        )
        await client.send("still here")
        assert await client.recv() == "still here"
        edit(served.folder, "VERSION = 2 +", "VERSION = 2")
        assert await asyncio.to_thread(served.ctl, "reload") == (0, "all workers are new\n")
        assert await code_of(client) == 1012
        again = await served.connect()
        assert (await again.recv()).startswith("2 ")
        await again.close()

    run_async(act())
    assert served.said.count("SyntaxError") == 1
    assert served.stop() == 0


def test_all_workers_drain_on_sigterm_also_where_each_gets_it_too(workers, run_async):
    """systemd tells all processes of a service at once."""
    served = workers("served:app", "--workers", "2")

    async def act():
        clients = [await served.connect() for _ in range(20)]
        for client in clients:
            await client.recv()
        os.killpg(served.process.pid, signal.SIGTERM)
        assert set(await asyncio.gather(*map(code_of, clients))) == {1012}

    run_async(act())
    assert served.process.wait(BOUND) == 0
    assert (served.folder / "ends").read_text().count("end") == 20
    assert served.said.count("has ended with 0") == 2


def test_workers_drain_and_end_when_their_supervisor_is_killed(workers, run_async):
    served = workers("served:app", "--workers", "2")
    pids = [int(pid) for pid in re.findall(r"worker \d \((\d+)\) is ready", served.said)]

    async def act():
        client = await served.connect()
        await client.recv()
        served.signal(signal.SIGKILL)
        assert await code_of(client) == 1012
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.05)

    run_async(act())


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_every_process_writes_its_stacks_on_sigquit(workers):
    served = workers("served:app", "--workers", "2")
    served.signal(signal.SIGQUIT)
    served.wait_until(lambda: served.said.count("most recent call first") >= 3)
    served.wait_until(lambda: served.said.count(" in run_to_end") >= 2)
    assert served.stop() == 0


@pytest.mark.parametrize(
    ("source", "target", "code", "line"),
    [
        ("def app(:\n", "broken:app", 1, "sock: 'broken' cannot be imported.\n"),
        ("x = 1\n", "broken:ap", 2, "sock: 'broken' has no 'ap'. It has no applications.\n"),
        ("", "nothere:app", 2, "sock: no module named 'nothere'.\n"),
    ],
)
def test_an_application_that_cannot_start_ends_the_supervisor(tmp_path, source, target, code, line):
    (tmp_path / "broken.py").write_text(source)
    done = run(tmp_path, target, "--workers", "2", "--port", "0")
    assert done.returncode == code
    assert done.stderr.count(line) == 1


def test_a_port_in_use_is_one_line(workers):
    served = workers("served:app", "--workers", "1", count=1)
    done = run(served.folder, "served:app", "--workers", "2", "--port", str(served.port))
    line = f"sock: port {served.port} of 127.0.0.1 is in use. --port 0 picks a free one.\n"
    assert (done.returncode, done.stderr) == (1, line)


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "sock", "run", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )


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


# sock ctl.


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
        assert said.splitlines()[3].split()[:3] == ["slot", "pid", "state"]
        assert await asyncio.to_thread(served.ctl, "workers", "1") == (0, "1 worker\n")
        await client.send("still here")
        assert await client.recv() == "still here"

    run_async(act())
    assert served.ctl("drain") == (0, "the server is stopping\n")
    assert served.process.wait(BOUND) == 0
    assert not served.control.exists()


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

    run_async(act())
    assert served.stop() == 0


# --reload.


def test_edited_code_answers_and_a_syntax_error_leaves_the_old_code(workers, run_async):
    pytest.importorskip("watchfiles")
    served = workers("served:app", "--reload", count=1)

    async def act():
        for version in range(2, 5):
            client = await served.connect()
            assert (await client.recv()).startswith(f"{version - 1} ")
            if version == 3:
                edit(served.folder, "VERSION = 2", "VERSION = 3 +")
                await asyncio.to_thread(served.wait_for, "SyntaxError")
                await asyncio.to_thread(served.wait_for, "reload failed")
                await client.send("still here")
                assert await client.recv() == "still here"
                edit(served.folder, "VERSION = 3 +", "VERSION = 3")
            else:
                edit(served.folder, f"VERSION = {version - 1}", f"VERSION = {version}")
            assert await code_of(client) == 1012
        client = await served.connect()
        assert (await client.recv()).startswith("4 ")
        await client.close()

    run_async(act())
    assert served.stop() == 0
