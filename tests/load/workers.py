"""Reloads, deaths and ends of workers, under connections that send all the time."""

import asyncio
import itertools
import json
import os
import re
import signal
import socket
import statistics
import urllib.request

from sock.server.supervisor.orders import END_RESERVE

from .crowd import Crowd, frame
from .report import judge, judge_answers, memory
from .served import loaded

MIB = 2**20


async def reload(report, size, times=20):
    """SIGHUP under load, again and again."""
    drains = (
        "--drain-batch",
        str(max(1, size // 10)),
        "--drain-interval",
        "0.1",
        "--drain-timeout",
        "20",
    )
    with loaded("--workers", "2", *drains) as served:
        async with Crowd(served.port, size) as crowd:
            await asyncio.sleep(2)
            before, series = memory(served.process), []
            for number in range(1, times + 1):
                served.edit(number + 1)
                served.signal(signal.SIGHUP)
                await served.until(
                    lambda n=number: served.count("reload: all workers are new") >= n
                )
                await crowd.all_open()
                series.append(memory(served.process))
            new = {one.answers_to.split()[1] for one in crowd.open}
            report.claim(f"all speak to the last version: {new}", new == {str(times + 1)})
            batches = [_batches(times_) for times_ in crowd.closed_at.values()]
            lengths = [max(ones) - min(ones) for ones in crowd.closed_at.values()]
            report.say(
                f"{len(batches)} workers drained; batches seen by the clients: "
                f"{min(batches)} to {max(batches)}; from the first Close of a worker to its last: "
                f"{min(lengths):.1f} to {max(lengths):.1f} s"
            )
            report.claim("each worker closed its connections in batches", min(batches) >= 3)
            report.say(
                f"memory of all processes, MiB: {before / MIB:.1f}, then "
                + " ".join(f"{one / MIB:.1f}" for one in series)
            )
            late = statistics.median(series[-5:])
            early = statistics.median(series[:5])
            report.claim(
                f"memory is where it began: {early / MIB:.1f} and {late / MIB:.1f} MiB",
                late < early * 1.05,
            )
            await _end(report, served, crowd)
        report.claim("all ended with 1012", set(crowd.codes()) == {1012})
        judge_answers(report, crowd, judge(report, crowd, served.folder))


async def kill(report, size):
    """Workers die, block, cannot start, and come back, under load."""
    with loaded("--workers", "2", "--worker-timeout", "2") as served:
        async with Crowd(served.port, size) as crowd:
            await asyncio.sleep(1)
            victim = int(crowd.open[0].answers_to.split()[0])
            others = [one for one in crowd.open if int(one.answers_to.split()[0]) != victim]
            ready, answers = served.count(" is ready after "), crowd.sums()[1]
            crowd.slowest = 0.0
            os.kill(victim, signal.SIGKILL)
            took = await served.until(lambda: served.count(" is ready after ") > ready)
            report.claim(f"kill -9: another worker is ready after {took:.2f} s", took < 2)
            await crowd.all_open()
            report.claim(
                f"the {len(others)} connections of the other worker have stayed; their slowest "
                f"answer took {crowd.slowest:.2f} s, {crowd.sums()[1] - answers} answers meanwhile",
                all(one.state == "OPEN" for one in others),
            )
            report.claim(
                f"{len(crowd.lost)} connections were lost, those of the dead worker",
                {int(one.answers_to.split()[0]) for one in crowd.lost} == {victim},
            )
            # One that blocks its event loop.
            blocked = crowd.open[0]
            pid = int(blocked.answers_to.split()[0])
            others = [one for one in crowd.open if int(one.answers_to.split()[0]) != pid]
            blocked.transport.write(frame(1, b"block"))
            ready = served.count(" is ready after ")
            took = await served.until(lambda: served.count(" is ready after ") > ready)
            report.claim(
                f"a worker that blocks its loop: found, killed and replaced after {took:.1f} s",
                "has blocked its event loop for" in served.said,
            )
            report.claim(
                f"its stacks are in the log, and the {len(others)} others have stayed",
                "time.sleep(1000)" in served.said or "handle_in" in served.said,
            )
            await crowd.all_open()
            # One that dies at its start, for ever.
            served.app.write_text("import os\nos._exit(3)\n")
            waits = served.count("is started again in")
            victim = int(crowd.open[0].answers_to.split()[0])
            others = [one for one in crowd.open if int(one.answers_to.split()[0]) != victim]
            os.kill(victim, signal.SIGKILL)
            await served.until(lambda: served.count("is started again in") >= waits + 3)
            pauses = re.findall(r"is started again in (\d+) s", served.said)[waits:]
            report.claim(f"one that dies at its start is tried again: {pauses} s", pauses[0] == "1")
            await crowd.all_open()
            report.claim(
                f"meanwhile all {len(crowd.open)} connections are served by the other one",
                all(one.state == "OPEN" for one in others),
            )
            served.edit(7)
            took = await served.until(lambda: served.count(" is ready after ") > ready + 1)
            report.say(f"mended: a second worker {took:.1f} s later")
            # An application that breaks at reload.
            served.app.write_text("this is no Python\n")
            served.signal(signal.SIGHUP)
            await served.until(lambda: "reload failed" in served.said)
            report.claim(
                "an application that breaks at a reload: the old workers go on, and the log says "
                f"why, {served.count('SyntaxError')} times",
                served.count("SyntaxError") == 1 and len(crowd.open) == size,
            )
            served.edit(8)
            served.signal(signal.SIGHUP)
            await served.until(lambda: "reload: all workers are new" in served.said)
            await crowd.all_open()
            versions = {one.answers_to.split()[1] for one in crowd.open}
            report.claim(f"mended and reloaded: version {versions}", versions == {"8"})
            await _end(report, served, crowd)
        judge_answers(report, crowd, judge(report, crowd, served.folder))


async def stop(report, size):
    """SIGTERM under load, with three connections that will not end."""
    for workers in ((), ("--workers", "2")):
        report.say(f"sock run {' '.join(workers)} --drain-timeout 5, {size + 3} connections")
        options = ("--drain-timeout", "5", "--max-send-buffer", "64MiB")
        with loaded(*workers, *options, count=2 if workers else 0) as served:
            async with Crowd(served.port, size) as crowd:
                odd = [
                    await asyncio.to_thread(_odd, served.port, path)
                    for path in ("never-returns", "never-ends", "pours")
                ]
                await asyncio.sleep(1)
                crowd.coming_back = False
                code, took = await served.ended()
                report.claim(
                    f"exit code {code} after {took:.1f} s", code == 0 and took < 5 + END_RESERVE
                )
                await served.until(lambda: len(crowd.ended) == size, 5)
                for one in odd:
                    one.close()
            report.claim("all others ended with 1012", crowd.codes() == {1012: size})
            noted = judge(report, crowd, served.folder)
            report.claim(
                f"each terminate exactly once: {len(noted)} of {size + 3}", len(noted) == size + 3
            )
            judge_answers(report, crowd, noted)
            cut = [line for line in served.said.splitlines() if " cut " in line]
            for line in cut:
                report.say(line)
            named = "\n".join(cut)
            report.claim(
                "what was cut is named",
                all(
                    word in named
                    for word in (
                        "NeverReturns.handle_in",
                        "NeverEnds.handle_in",
                        "/pours",
                        "not taken",
                    )
                ),
            )


async def metrics(report, size):
    """The figures of two workers are what the clients have counted, across a replacement."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with loaded("--workers", "2", "--metrics", f"127.0.0.1:{port}") as served:
        async with Crowd(served.port, size) as crowd:
            await asyncio.sleep(2)
            for number in (1, 2):
                served.signal(signal.SIGHUP)
                await served.until(
                    lambda n=number: served.count("reload: all workers are new") >= n
                )
                await crowd.all_open()
            crowd.stop_sending()
            await served.until(lambda: crowd.sums()[2] == _crossed(crowd))
            handled = crowd.sums()[1]
            found = await _settled(port, "sock_sent_messages_total", handled + crowd.attempts)
            opened = found["sock_connections_opened_total"]
            report.say(json.dumps({name: found[name] for name in sorted(found)}))
            greetings = crowd.attempts
            report.claim(
                f"opened: {opened:.0f} of {greetings} that the clients have opened",
                opened == greetings,
            )
            received = found["sock_received_messages_total"]
            report.claim(
                f"received: {received:.0f}, between the {handled} answers and the "
                f"{crowd.sums()[0]} messages that the clients have sent",
                handled <= received <= crowd.sums()[0],
            )
            report.claim(
                f"sent: {found['sock_sent_messages_total']:.0f}, these answers and "
                f"{greetings} greetings",
                found["sock_sent_messages_total"] == handled + greetings,
            )
            report.claim(
                f"live: {found['sock_connections_live']:.0f}",
                found["sock_connections_live"] == size,
            )
            await _end(report, served, crowd)
        judge_answers(report, crowd, judge(report, crowd, served.folder))


def _crossed(crowd):
    return sum(one.sent - one.answered for one in crowd.ended.values())


async def _settled(port, name, wanted):
    """Read the page until it has a figure, or does not come nearer to it."""
    found = {}
    for _ in range(30):
        found = await asyncio.to_thread(_figures, port)
        if found.get(name) == wanted:
            break
        await asyncio.sleep(0.2)
    return found


def _figures(port):
    """Return the sum of each metric over its labels."""
    from prometheus_client.parser import text_string_to_metric_families

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        families = list(text_string_to_metric_families(page.read().decode()))
    sums = {}
    for family in families:
        for sample in family.samples:
            if "bucket" not in sample.name:
                sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


async def _end(report, served, crowd):
    """End the server and let the clients hear of it."""
    crowd.coming_back = False
    code, took = await served.ended()
    report.claim(f"SIGTERM: exit code {code} after {took:.1f} s", code == 0)
    await served.until(lambda: not any(one for one in crowd.places if one is not None), 10)


def _odd(port, path):
    """Open a connection, send one message, and never read again."""
    one = socket.create_connection(("127.0.0.1", port), 10)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.sendall(
        f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    assert b" 101 " in one.recv(64)
    one.sendall(frame(1, b"go"))
    return one


def _batches(times):
    """Return in how many batches these moments lie: pauses of 30 ms are between them."""
    times = sorted(times)
    return 1 + sum(later - earlier > 0.03 for earlier, later in itertools.pairwise(times))
