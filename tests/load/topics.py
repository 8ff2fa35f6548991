"""Topics over two workers: each message once and in order; what fails; a crowd."""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import time
from pathlib import Path

from tests.broker import nats_server, redis_server

from .crowd import UPGRADE
from .listeners import Listener, Publisher, enter, enter_each_worker
from .report import memory
from .served import loaded

APPLICATION = Path(__file__).parent / "topics_application.py"
MIB = 2**20
BROKERS = {"host:": None, "redis:": redis_server, "nats:": nats_server}
WAYS = ("attached", "subscribed")


@contextlib.contextmanager
def _served(name, *options, workers=2):
    """Serve with workers over a backend; give the server and the broker, if there is one."""
    with contextlib.ExitStack() as stack:
        make = BROKERS[name]
        broker = None if make is None else stack.enter_context(make()).start()
        url = name if broker is None else broker.url
        options = ("--workers", str(workers), *options) if workers > 1 else options
        served = stack.enter_context(
            loaded(
                *options,
                application=APPLICATION,
                count=workers if workers > 1 else 0,
                SOCK_PUBSUB=url,
                SOCK_LOG_LEVEL="info",
            )
        )
        yield served, broker


async def _members(served, count, publishers=4, how="say", size=40):
    """Return listeners of both kinds and publishers, two of these in each worker."""
    listeners = await enter(served.port, [Listener(WAYS[at % 2]) for at in range(count)])
    pids = {one.pid for one in listeners}
    assert len(pids) == 2, "the kernel has given all connections to one worker"
    said = await enter_each_worker(
        served.port, lambda at: Publisher(f"p{at}", how, size), pids, publishers // 2
    )
    return listeners, said


async def topics(report, size):
    """Numbered messages of four publishers over two workers, half of the receivers attached."""
    each = 5 * size // 4
    for name in BROKERS:
        with _served(name) as (served, _):
            listeners, publishers = await _members(served, max(20, size // 10))
            began = time.monotonic()
            await asyncio.gather(*(one.say_all(each) for one in publishers))
            wanted = 4 * each
            await served.until(lambda ones=listeners, n=wanted: all(one.count >= n for one in ones))
            took = time.monotonic() - began
            report.claim(
                f"{name} each of {len(listeners)} receivers has all {wanted} messages, in order for"
                f" each publisher, none twice ({took:.1f} s)",
                all((one.count, one.wrong, one.gaps) == (wanted, 0, 0) for one in listeners),
            )


async def outage(report, size):
    """A broker that is killed, and one that is stopped; a worker that is, and one that blocks."""
    killed = max(3.0, min(10.0, size / 200))
    paused = max(10.0, 3 * killed)
    for name in ("redis:", "nats:"):
        with _served(name) as (served, broker):
            listeners, publishers = await _members(served, max(20, size // 10), how="soon")
            tasks = [asyncio.ensure_future(one.say_every(0.02)) for one in publishers]
            await asyncio.sleep(2)
            await _broker_away(
                report, served, listeners, f"{name} killed", broker.kill, broker.start, killed
            )
            await _broker_away(
                report, served, listeners, f"{name} stopped", broker.pause, broker.resume, paused
            )
            _stop(tasks)
            _claim_members(report, name, listeners)
    await _slow_workers(report, paused)


async def _broker_away(report, served, listeners, what, away, back, seconds):
    before = memory(served.process)
    gaps = [one.gaps for one in listeners]
    away()
    await asyncio.sleep(seconds)
    meanwhile = memory(served.process)
    back()
    asked = [one for one in listeners if one.path == "subscribed"]
    took = await served.until(
        lambda: all(
            one.gaps > was for one, was in zip(listeners, gaps, strict=True) if one in asked
        )
    )
    # Those of both workers are heard again by all.
    counts = [dict(one.last) for one in listeners]
    await served.until(
        lambda: all(
            one.last[who] > number
            for one, was in zip(listeners, counts, strict=True)
            for who, number in was.items()
        )
    )
    report.claim(
        f"{what} for {seconds:.0f} s: all {len(asked)} who asked have seen a Gap {took:.1f} s after"
        " it was back, and all publishers are heard again",
        holds=True,
    )
    grown = meanwhile - before
    report.claim(f"{what}: memory has grown by {grown / MIB:.1f} MiB", grown < 64 * MIB)


async def _slow_workers(report, seconds):
    """Under `host:`, one of two workers reads nothing for a while; 13 MB a second are for it."""
    with _served("host:", "--worker-timeout", "120") as (served, _):
        listeners, publishers = await _members(served, 20, how="soon", size=16_000)
        victim = listeners[0].pid
        ours = [one for one in publishers if one.pid != victim]
        blocking = next(one for one in publishers if one.pid == victim)
        tasks = [asyncio.ensure_future(one.say_every(0.0025)) for one in ours]
        near = [one for one in listeners if one.pid != victim]
        far = [one for one in listeners if one.pid == victim and one.path == "subscribed"]
        await asyncio.sleep(2)
        ways = {
            "stopped": lambda: os.kill(victim, signal.SIGSTOP),
            "blocks its loop": lambda: blocking.say(f"block {seconds}"),
        }
        for what, away in ways.items():
            before, gaps = memory(served.process), [one.gaps for one in far]
            for one in near:
                one.latencies.clear()
            away()
            await asyncio.sleep(seconds / 2)
            counts = [one.count for one in near]
            await asyncio.sleep(seconds / 2)
            grown = memory(served.process) - before
            slow = _percentile([late for one in near for late in one.latencies], 0.99)
            if what == "stopped":
                os.kill(victim, signal.SIGCONT)
            took = await served.until(
                lambda g=gaps: all(one.gaps > was for one, was in zip(far, g, strict=True))
            )
            counts_far = [one.count for one in far]
            await served.until(
                lambda c=counts_far: all(
                    one.count > was + 10 for one, was in zip(far, c, strict=True)
                )
            )
            report.claim(
                f"host: a worker {what} for {seconds:.0f} s: those of the other one go on, with a"
                f" p99 of {1000 * slow:.1f} ms",
                all(one.count > was for one, was in zip(near, counts, strict=True)),
            )
            report.claim(
                f"host: all {len(far)} who asked there have seen a Gap {took:.1f} s later, and"
                " what was said then",
                holds=True,
            )
            report.claim(f"host: memory has grown by {grown / MIB:.1f} MiB", grown < 64 * MIB)
        _stop(tasks)
        _claim_members(report, "host:", listeners)


async def slow(report, size):
    """A room in which one connection never reads: what the others notice of it."""
    count = max(20, size // 2)
    with _served("host:", "--send-timeout", "5", "--max-send-buffer", "64KiB", workers=1) as pair:
        served = pair[0]
        listeners = await enter(served.port, [Listener("attached") for _ in range(count)])
        publishers = await enter(served.port, [Publisher(f"p{at}", size=8000) for at in range(4)])
        tasks = [asyncio.ensure_future(one.say_every(0.2)) for one in publishers]
        seconds = 30.0 if size >= 1000 else 10.0
        await asyncio.sleep(2)
        without = await _measured(listeners, seconds)
        odd = await asyncio.to_thread(_never_reads, served.port)
        beside = await _measured(listeners, seconds)
        await served.until(lambda: "after PeerTooSlow" in served.said)
        without = max(without, await _measured(listeners, seconds))  # before it came, or after it
        _stop(tasks)
        report.say(f"{count} receivers, 20 messages of 8 kB a second, {seconds:.0f} s each")
        report.claim(
            f"p99 without one that never reads {1000 * without:.2f} ms, with it"
            f" {1000 * beside:.2f} ms",
            beside < 1.2 * without,
        )
        report.claim("the one that never reads was closed", await asyncio.to_thread(_is_cut, odd))
        _claim_members(report, "the others:", listeners)
        odd.close()


async def _measured(listeners, seconds):
    for one in listeners:
        one.latencies.clear()
    await asyncio.sleep(seconds)
    return _percentile([late for one in listeners for late in one.latencies], 0.99)


def _never_reads(port):
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", port))
    one.sendall(UPGRADE.format(name="attached").encode())
    assert b" 101 " in one.recv(64)
    return one


def _is_cut(one):
    """Read what is left, and tell whether the end is behind it."""
    one.settimeout(30)
    with contextlib.suppress(ConnectionError):
        while one.recv(65536):
            pass
    return True


async def broadcast(report, size):
    """Messages to everybody in one process: the longest turn of its loop."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500
    if size > allowed:
        report.say(f"{allowed} connections, as a process may not open more files")
        size = allowed
    with _served("host:", workers=1) as (served, _):
        began = time.monotonic()
        listeners = await enter(served.port, [Listener("attached") for _ in range(size)])
        (one,) = await enter(served.port, [Publisher("p")])
        report.say(
            f"{size} connections after {time.monotonic() - began:.0f} s,"
            f" {memory(served.process) / MIB:.0f} MiB"
        )
        longest = []
        for number in range(1, 6):
            answers = []
            one.heard = answers.append
            one.say("watch")
            one.next()
            await served.until(
                lambda n=number, a=answers: len(a) == 2 and all(x.count == n for x in listeners)
            )
            one.say("turns")
            await served.until(lambda a=answers: len(a) == 3)
            longest.append(tuple(1000 * float(part) for part in answers[2].split()))
        report.say(
            "longest turn of each broadcast, ms (of CPU): "
            + ", ".join(f"{clock:.1f} ({cpu:.1f})" for clock, cpu in longest)
        )
        spread = [max(x.latencies[at] for x in listeners) for at in range(5)]
        report.say(f"until the last has it, s: {', '.join(f'{one:.2f}' for one in spread)}")
        middle = sorted(cpu for _, cpu in longest)[2]
        report.claim(f"in the middle {middle:.1f} ms", middle < LONGEST_TURN)
        _claim_members(report, "", listeners)


LONGEST_TURN = 16.0
"""Milliseconds of CPU in one turn of the event loop: 5 to push, 10 to send, and what is under way
when the time of each is up."""


def _stop(tasks):
    for task in tasks:
        task.cancel()


def _claim_members(report, name, listeners):
    report.claim(f"{name} no connection was closed", all(one.is_open for one in listeners))
    report.claim(
        f"{name} all was in order for each publisher, and none came twice",
        not any(one.wrong for one in listeners),
    )


def _percentile(values, part):
    return sorted(values)[int(part * len(values))]
