"""Binding every kind of address, and letting go of it."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from sock.server.address import DescriptorAddress, SystemdAddress, TcpAddress, UnixAddress
from sock.server.binding import CannotListen, bind_all, taken_over

pytestmark = pytest.mark.one_form


@pytest.fixture
def bound(run_async):
    """Bind addresses until the test ends."""
    every = []

    def bound(*addresses):
        found = run_async(bind_all(addresses))
        every.extend(found)
        return found

    yield bound
    for one in every:
        one.close()


@pytest.fixture
def refused(run_async):
    def refused(*addresses):
        with pytest.raises(CannotListen) as caught:
            run_async(bind_all(addresses))
        return str(caught.value), caught.value.errno

    return refused


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def answers(path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except OSError:
            return False
        return True


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", ""])
def test_port_0_is_a_free_one_and_the_same_on_every_address(bound, host):
    [one] = bound(TcpAddress(host, 0))
    ports = {sock.getsockname()[1] for sock in one.sockets}
    assert ports == {one.port} != {0}


def test_a_port_that_is_taken_is_named_and_nothing_stays_open(refused, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        before = open_descriptors()
        problem = refused(UnixAddress(str(tmp_path / "here")), TcpAddress("127.0.0.1", port))
        assert problem == (f"port {port} of 127.0.0.1 is in use", errno.EADDRINUSE)
        assert open_descriptors() == before
    assert not (tmp_path / "here").exists()


def test_a_host_that_is_not_known_is_named(refused):
    problem, _ = refused(TcpAddress("no-such-host.invalid", 0))
    assert problem.startswith("no host named 'no-such-host.invalid': ")


def test_an_address_of_another_machine_is_named(refused):
    problem = refused(TcpAddress("192.0.2.1", 0))
    assert problem == ("192.0.2.1 is not an address of this machine", errno.EADDRNOTAVAIL)


def test_a_port_that_is_not_allowed_is_named(refused, monkeypatch):
    def deny(sock, address):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", deny)
    problem = "port 80 of 127.0.0.1 may not be used by this user. Try one above 1023"
    assert refused(TcpAddress("127.0.0.1", 80)) == (problem, errno.EACCES)


def test_a_unix_socket_has_the_rights_that_are_asked_for_and_its_file_goes_with_it(bound, tmp_path):
    path = tmp_path / "here"
    [one] = bound(UnixAddress(str(path), 0o660))
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert one.url() == f"unix:{path}"
    assert answers(path)
    one.close()
    assert not path.exists()


def test_a_unix_socket_without_a_file_is_bound(bound):
    name = f"@sock-test-{os.getpid()}"
    [one] = bound(UnixAddress(name))
    assert one.url() == f"unix:{name}"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name[1:])


def test_the_file_of_a_dead_server_is_replaced(bound, tmp_path):
    path = tmp_path / "here"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    bound(UnixAddress(str(path)))
    assert answers(path)


def test_the_file_of_a_live_server_is_left_and_named(bound, refused, tmp_path):
    path = tmp_path / "here"
    bound(UnixAddress(str(path)))
    problem = f"a server is listening on {path} already: stop it, or give another path"
    assert refused(UnixAddress(str(path))) == (problem, errno.EADDRINUSE)
    assert answers(path)


def test_the_file_of_a_server_that_is_too_busy_to_answer_is_left(refused, tmp_path):
    path = tmp_path / "here"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))  # its backlog is full now
        assert (
            refused(UnixAddress(str(path)))[0]
            == f"a server is listening on {path} already: stop it, or give another path"
        )
    assert path.exists()


def test_a_file_that_is_no_socket_is_left_and_named(refused, tmp_path):
    path = tmp_path / "here"
    path.write_text("precious")
    assert (
        refused(UnixAddress(str(path)))[0]
        == f"{path} is there already, and is no socket: give another path"
    )
    assert path.read_text() == "precious"


def test_a_folder_that_does_not_exist_is_named(refused, tmp_path):
    path = tmp_path / "no" / "here"
    assert (
        refused(UnixAddress(str(path)))[0] == f"the folder of {path} does not exist: make it first"
    )


def test_the_file_of_another_server_that_came_later_is_left(bound, tmp_path):
    path = tmp_path / "here"
    [one] = bound(UnixAddress(str(path)))
    path.unlink()
    bound(UnixAddress(str(path)))
    one.close()
    assert answers(path)


def test_an_inherited_descriptor_is_taken_over(bound):
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    [one] = bound(DescriptorAddress(listening.detach()))
    assert one.url() == f"http://127.0.0.1:{port}"
    socket.create_connection(("127.0.0.1", port)).close()


def test_a_descriptor_that_is_no_listening_socket_is_named_and_left_open(refused):
    with socket.socket() as unbound, Path(os.devnull).open() as file:
        number = unbound.fileno()
        problem, _ = refused(DescriptorAddress(number))
        assert problem == f"descriptor {number} is a socket that does not listen"
        assert unbound.getsockname() == ("0.0.0.0", 0)
        assert refused(DescriptorAddress(file.fileno()))[0].endswith("is no socket")
    assert refused(DescriptorAddress(9999))[0] == (
        "descriptor 9999 is not open: the program that starts this one hands it over"
    )


def test_a_descriptor_that_is_named_twice_is_refused(refused):
    number = socket.create_server(("127.0.0.1", 0)).detach()
    problem, _ = refused(DescriptorAddress(number), DescriptorAddress(number))
    assert problem == f"descriptor {number} is named twice"


def test_without_systemd_its_sockets_are_not_there(refused, monkeypatch):
    monkeypatch.delenv("LISTEN_PID", raising=False)
    assert refused(SystemdAddress())[0].startswith("systemd has handed over no socket: ")


def test_sockets_of_somebody_else_are_as_they_were_bound(tmp_path):
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as two:
        one.bind(str(tmp_path / "here"))
        one.listen()
        two.bind(b"\0sock-test-%d" % os.getpid())
        two.listen()
        first, second = taken_over([one, two])
        assert first.url() == f"unix:{tmp_path / 'here'}"
        assert second.url() == f"unix:@sock-test-{os.getpid()}"
        first.close()
        assert (tmp_path / "here").exists()
