"""The package as its users see it."""

import importlib.metadata
import importlib.resources
import subprocess
import sys

import pytest

import sock
from sock import spec


def test_the_specification_is_what_sock_is():
    for name in spec.__all__:
        assert getattr(sock, name) is getattr(spec, name)


@pytest.mark.parametrize("name", ["run", "serve"])
def test_what_runs_an_application_is_there_when_it_is_asked_for(name):
    server = importlib.import_module("sock.server")
    assert getattr(sock, name) is getattr(server, name)


def test_the_version_is_that_of_the_distribution():
    assert sock.__version__ == importlib.metadata.version("sockpy")


def test_dir_names_what_is_public():
    assert dir(sock) == sorted([*sock.__all__, "__version__"])
    assert {"run", "serve", "Sock", "Stop"} < set(dir(sock))


def test_what_there_is_not_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'sock' has no attribute 'Socket'$"):
        _ = sock.Socket


def test_an_application_imports_what_it_needs_and_no_server():
    script = (
        "import sys; from sock import Sock, TextSock, Request, Stop\n"
        "class Echo(Sock):\n"
        "    def handle_in(self, message): return message\n"
        "print(Echo(Request()).handle_in('hi'), 'sock.server' in sys.modules)"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "hi False\n"


def test_the_package_is_typed():
    assert importlib.resources.files("sock").joinpath("py.typed").is_file()
