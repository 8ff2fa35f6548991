"""Real brokers for tests: redis-server and nats-server on free ports; stopped, paused, started."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
import time

from tests.needed import needed

_RANDOM = random.SystemRandom()

_PORTS = range(20_000, 30_000)
"""Below those that the kernel gives to outgoing connections."""


def free_port():
    """Return a port that is free, and that no connection gets by itself.

    A broker is started, killed and started again on its port while clients try to connect there.
    A port of the kernel's own choice may meanwhile be given to any outgoing connection; one of the
    clients may even be connected with itself.
    """
    while True:
        # The seed of `random` is the same in all processes that run tests.
        port = _RANDOM.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Broker:
    """One process, which may come again on its port.

    Args:
        command: starts it.
        port: where it listens.
        url: of it.
    """

    def __init__(self, command, port, url):
        self.port = port
        self.url = url
        self._command = command
        self._process = None

    def start(self):
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
            except (ConnectionRefusedError, TimeoutError):
                assert self._process.poll() is None, f"{self._command} has ended"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return self

    def kill(self):
        """End it at once."""
        self._process.kill()
        self._process.wait(30)
        self._process = None

    def pause(self):
        """Have it do nothing; its connections stay."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        """Have it go on."""
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self.kill()


def redis_server(*options, scheme="redis", credentials=""):
    """Return a Redis that is not started yet."""
    port = free_port()
    command = [needed("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    return Broker([*command, *options], port, f"{scheme}://{credentials}127.0.0.1:{port}")


def nats_server(*options, scheme="nats", credentials=""):
    """Return a NATS server that is not started yet."""
    port = free_port()
    command = [needed("nats-server"), "-a", "127.0.0.1", "-p", str(port)]
    return Broker([*command, *options], port, f"{scheme}://{credentials}127.0.0.1:{port}")


THIRDS = [(0, 5460), (5461, 10922), (10923, 16383)]
"""The slots of each master of a cluster."""


class RedisCluster:
    """Three masters, each with a third of the slots, and perhaps a replica of the first one.

    Args:
        folder: for what the servers write.
        replica: whether there is one.
    """

    def __init__(self, folder, *, replica=False):
        self._stack = contextlib.ExitStack()
        self._buses = []
        self.servers = []
        for number in range(4 if replica else 3):
            home = folder / str(number)
            home.mkdir()
            self._buses.append(free_port())
            options = ["--cluster-enabled", "yes", "--cluster-port", str(self._buses[-1])]
            options += ["--dir", str(home), "--cluster-require-full-coverage", "no"]
            options += ["--cluster-node-timeout", "1000"] if replica else []
            self.servers.append(redis_server(*options))
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{one.port}" for one in self.servers)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for one in self.servers:
                stack.enter_context(one).start()
            self._join(stack)
            self._stack = stack.pop_all()
        return self

    def _join(self, stack):
        import redis

        self.clients = [redis.Redis(port=one.port) for one in self.servers]
        for client in self.clients:
            stack.callback(client.close)
        for client, third in zip(self.clients, THIRDS, strict=False):
            client.execute_command("CLUSTER ADDSLOTSRANGE", *third)
        for server, bus in zip(self.servers[1:], self._buses[1:], strict=True):
            self.clients[0].execute_command("CLUSTER MEET", "127.0.0.1", server.port, bus)
        for client in self.clients:
            _until(lambda client=client: len(client.execute_command("CLUSTER SLOTS")) == 3)
        self.ids = [client.execute_command("CLUSTER MYID") for client in self.clients]
        if len(self.clients) > 3:
            self.clients[3].execute_command("CLUSTER REPLICATE", self.ids[0])
            _until(lambda: self.clients[3].info("replication").get("master_link_status") == "up")
            for client in self.clients[:3]:  # those that vote know of it too
                _until(
                    lambda client=client: "slave" in str(client.execute_command("CLUSTER NODES"))
                )

    def __exit__(self, *_):
        self._stack.close()

    def move(self, topic):
        """Give the slot of a topic to the next master."""
        slot = self.clients[0].cluster("KEYSLOT", f"sock:0:{topic}")
        owner = next(at for at, (first, last) in enumerate(THIRDS) if first <= slot <= last)
        for client in self.clients[:3]:
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", self.ids[(owner + 1) % 3])


def _until(true):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
