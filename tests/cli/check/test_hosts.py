import os
import socket

import pytest

from hosts.host import HOSTS as MATRIX
from sock.cli.check.hosts import DRAIN, HOSTS, NotStarted, started
from sock.testing import Client, contract

pytestmark = pytest.mark.one_form

# The names of the matrix of hosts that are worded otherwise.
NAMES = {
    "uvicorn, native": "uvicorn",
    "hypercorn, HTTP/1.1": "hypercorn",
    "Flask, gunicorn gthread": "gunicorn-gthread",
    "Flask, gunicorn sync": "gunicorn-sync",
    "Flask, werkzeug": "werkzeug",
}


def test_a_host_declares_what_the_matrix_of_hosts_says():
    for host in MATRIX:
        name = NAMES.get(host.name, host.name.lower().replace(", ", "-"))
        if not host.gateway:
            assert {*HOSTS[name].limits} == {*host.limits}, name
    assert {word for host in HOSTS.values() for word in host.limits} <= {*contract.LIMITS}


def test_the_drain_is_as_long_as_the_suite_says():
    assert float(DRAIN) == contract.DRAIN_BOUND


def test_an_application_is_started_and_ended(folder):
    with started("sock", "alone:Chat", folder) as (port, process):
        socket.create_connection(("127.0.0.1", port), 1).close()
    assert process.poll() is not None
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)


@pytest.mark.parametrize("host", ["uvicorn", "hypercorn", "granian", "daphne"])
def test_each_asgi_server_is_started(run_async, folder, host):
    pytest.importorskip(host)
    (folder / "autobahn").mkdir()  # must not hide the package that daphne needs
    (folder / "autobahn" / "__init__.py").write_text("")

    async def talk(port):
        async with await Client.connect(f"ws://127.0.0.1:{port}/ws") as client:
            await client.send("hello")
            assert await client.receive() == "hello"

    with started(host, "alone:app", folder) as (port, _):
        run_async(talk(port))


@pytest.mark.parametrize("host", ["gunicorn-gthread", "gunicorn-sync", "werkzeug"])
def test_each_wsgi_server_is_started(run_async, folder, host):
    pytest.importorskip(host.partition("-")[0])

    async def talk(port):
        async with await Client.connect(f"ws://127.0.0.1:{port}/") as client:
            await client.send("hello")
            assert await client.receive() == "hello"

    with started(host, "echo alone:Chat", folder) as (port, _):
        run_async(talk(port))


def test_what_a_host_prints_that_does_not_start_is_told(folder):
    with pytest.raises(NotStarted, match="no module named"):
        with started("sock", "nowhere:app", folder):
            pass


def test_the_variables_of_the_process_are_kept(folder):
    before = dict(os.environ)
    with started("sock", "alone:Chat", folder):
        assert dict(os.environ) == before
