"""Real brokers for tests: redis-server and nats-server on free ports; stopped, paused, started."""

from __future__ import annotations

import signal
import socket
import subprocess
import time

from tests.needed import needed


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
            except ConnectionRefusedError:
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
