"""All slots: start, reload, more and fewer workers, edited files; the real command."""

import asyncio
import os
import re
import signal

import pytest
import websockets

from tests.server.supervisor.command import code_of, run

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]


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
        await served.close_clients()

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
        await served.close_clients()

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
        await served.close_clients()

    run_async(act())
    assert re.search(r"warning  worker \d \(\d+\) was killed by SIGKILL after", served.said)
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
        await served.close_clients()

    run_async(act())
    assert served.said.count("SyntaxError") == 1
    assert served.stop() == 0


@pytest.mark.parametrize(
    ("source", "target", "code", "line"),
    [
        (
            "def app(:\n",
            "broken:app",
            1,
            "sock: 'broken' cannot be imported. Mend broken.py, line 1: SyntaxError",
        ),
        ("x = 1\n", "broken:ap", 2, "sock: 'broken' has no 'ap'. It has no applications.\n"),
        ("", "nothere:app", 2, "sock: no module named 'nothere'.\n"),
    ],
)
def test_an_application_that_cannot_start_ends_the_supervisor(tmp_path, source, target, code, line):
    (tmp_path / "broken.py").write_text(source)
    done = run(tmp_path, target, "--workers", "2", "--port", "0")
    assert done.returncode == code
    assert done.stderr.count(line) == 1


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
        await served.close_clients()

    run_async(act())
    assert served.stop() == 0
