"""Flask on gunicorn: connections that say nothing beside ordinary requests; reloads under load."""

import asyncio
import contextlib
import http.client
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .crowd import Crowd
from .report import judge, judge_answers, memory
from .served import started

ROOT = Path(__file__).parents[2]
BOUND = 120
MIB = 2**20
NEVER = 1e9


class Gunicorn:
    """gunicorn in a process of its own, and all that it says."""

    def __init__(self, folder, *arguments):
        self.folder, self.log = folder, folder / "log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0"),
                    *("--no-control-socket", "--backlog", "8192", *arguments),
                    "tests.load.flask_application:app",
                ],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def said(self):
        return self.log.read_text()

    def count(self, text):
        return self.said.count(text)

    async def until(self, condition, bound=BOUND):
        """Wait until something holds; return how many seconds it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < bound, self.said[-2000:]
            assert self.process.poll() is None, self.said[-2000:]
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    @property
    def port(self):
        return int(re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", self.said)[1])


@contextlib.asynccontextmanager
async def gunicorn(*arguments, workers=1):
    """Serve as `started` does, and wait for the workers."""
    with started(Gunicorn, "--workers", str(workers), *arguments) as served:
        await served.until(lambda: served.count("Booting worker") == workers)
        yield served


def ask(port):
    """Return how many seconds an ordinary request takes, its connection included."""
    began = time.perf_counter()
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    asking.request("GET", "/ordinary")
    answer = asking.getresponse()
    assert answer.status == 200, answer.status
    answer.read()
    asking.close()
    return time.perf_counter() - began


def measured(port, rounds=5, count=200):
    """Return the median of many requests, and the slowest of a hundred, in ms: in the best round.

    Whatever else this machine does makes a round slower, and none faster.
    """
    found = []
    for _ in range(rounds):
        taken = sorted(ask(port) for _ in range(count))
        found.append((statistics.median(taken) * 1e3, taken[int(count * 0.99)] * 1e3))
    return min(found)


async def idle(report, size):
    """Connections that say nothing on one sync worker, which answers ordinary requests."""
    size = size if size != 2000 else 10_000
    async with gunicorn("--worker-class", "sync") as served:
        await asyncio.to_thread(
            measured, served.port, 50
        )  # all is imported, and the caches are warm
        alone = await asyncio.to_thread(measured, served.port)
        before = memory(served.process)
        async with Crowd(served.port, size, every=NEVER) as crowd:
            crowd.stop_sending()
            each = (memory(served.process) - before) / size
            report.say(f"{size} connections; each keeps {each / 1024:.1f} kB of the worker")
            beside = await asyncio.to_thread(measured, served.port)
            for what, (median, slow) in (("alone", alone), ("beside them", beside)):
                report.say(f"an ordinary request, {what}: {median:.2f} ms, 99 of 100 {slow:.2f} ms")
            ratio = beside[0] / alone[0]
            report.claim(f"in the same time as with none: {ratio:.2f} ×", ratio < 1.15)
            report.claim(f"all {size} are open still", len(crowd.open) == size and not crowd.lost)
            crowd.coming_back = False
            began = time.monotonic()
            served.process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(served.process.wait, BOUND)
            report.claim(f"SIGTERM: {code} after {time.monotonic() - began:.1f} s", code == 0)
            report.claim(f"all have heard 1012: {crowd.codes()}", crowd.codes() == {1012: size})


async def reload(report, size, times=5):
    """`kill -HUP` of gunicorn under connections that send all the time."""
    arguments = ("--worker-class", "gthread", "--threads", "8")
    async with gunicorn(*arguments, workers=2) as served:
        async with Crowd(served.port, size) as crowd:
            await asyncio.sleep(1)
            for number in range(1, times + 1):
                old = {one.answers_to.split()[0] for one in crowd.open}
                booted, gone = served.count("Booting worker"), served.count("Worker exiting")
                served.process.send_signal(signal.SIGHUP)
                await served.until(lambda n=booted: served.count("Booting worker") >= n + 2)
                took = await served.until(lambda n=gone: served.count("Worker exiting") >= n + 2)
                await crowd.all_open()
                new = {one.answers_to.split()[0] for one in crowd.open}
                report.claim(
                    f"reload {number}: no old worker is left {took:.1f} s later", not old & new
                )
            crowd.coming_back = False
            served.process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(served.process.wait, BOUND)
            report.claim(f"SIGTERM: exit code {code}", code == 0)
            for _ in range(200):
                if not any(one is not None for one in crowd.places):
                    break
                await asyncio.sleep(0.05)
        report.claim("all ended with 1012", set(crowd.codes()) == {1012})
        report.claim("no worker was killed", "was sent SIGKILL" not in served.said)
        judge_answers(report, crowd, judge(report, crowd, served.folder))
