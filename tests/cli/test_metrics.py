"""`sock run --metrics`: what Prometheus reads, with one process and with workers."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
import urllib.request

import pytest
import websockets.sync.client

from tests.broker import free_port

parser = pytest.importorskip("prometheus_client.parser")

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

BOUND = 40.0


def first_url(process):
    """Return the address that the process tells, as a client needs it."""
    for line in process.stderr:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return f"ws://127.0.0.1:{found[1]}/"
    raise AssertionError("it has told no address")


def scraped(port):
    """Return the sums over all labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    sums = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


def until(port, expected):
    """Scrape until the sums are these, and return them as they are at last."""
    deadline = time.monotonic() + BOUND
    while True:
        sums = scraped(port)
        found = {name: sums.get(name) for name in expected}
        if found == expected or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def talk(url, connections):
    """Say one word on so many connections, and close them."""
    for _ in range(connections):
        with websockets.sync.client.connect(url) as client:
            client.send("four")
            assert client.recv() == "four"


def expected(connections):
    return {
        "sock_connections_live": 0,
        "sock_connections_opened_total": connections,
        "sock_connections_closed_total": connections,
        "sock_received_messages_total": connections,
        "sock_received_bytes_total": 4 * connections,
        "sock_sent_messages_total": connections,
        "sock_sent_bytes_total": 4 * connections,
    }


@pytest.mark.parametrize("app", ["examples.chat:Chat", "examples.asgi:app"])
def test_the_metrics_of_one_process_are_what_its_clients_counted(command, folder, app):
    (folder / "examples" / "asgi.py").write_text(
        "import sock\nfrom examples.chat import Chat\napp = sock.asgi(Chat)\n"
    )
    port = free_port()
    process = command("run", app, "--port", "0", "--metrics", f"127.0.0.1:{port}")
    talk(first_url(process), 7)
    assert until(port, expected(7)) == expected(7)
    process.send_signal(signal.SIGTERM)
    assert process.wait(BOUND) == 0


def test_the_metrics_of_two_workers_add_up_also_when_each_has_been_replaced(command):
    port = free_port()
    process = command(
        "run", "examples.chat:Chat", "--port", "0", "--workers", "2",
        "--metrics", f"127.0.0.1:{port}",
    )  # fmt: skip
    url = first_url(process)
    talk(url, 20)
    assert until(port, expected(20)) == expected(20)
    process.send_signal(signal.SIGHUP)
    for line in process.stderr:
        if "all workers are new" in line:
            break
    talk(url, 10)
    assert until(port, expected(30)) == expected(30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(BOUND) == 0


def test_an_address_of_metrics_that_cannot_be_used_is_one_line(command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = command(
            "run", "examples.chat:Chat", "--port", "0", "--metrics", f"127.0.0.1:{port}"
        )
        _, err = process.communicate(timeout=BOUND)
    assert err == f"sock: --metrics 127.0.0.1:{port}: {os.strerror(98)}.\n"
    assert process.returncode == 1


def test_an_address_of_metrics_that_is_none_is_one_line(invoke):
    result = invoke("run", "examples.chat:Chat", "--metrics", "9100")
    assert "'9100': it is HOST:PORT, such as 127.0.0.1:9100" in result.output
    assert result.exit_code == 2
