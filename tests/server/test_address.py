"""Addresses as they are written."""

from __future__ import annotations

import pytest

from sock.server.address import (
    DescriptorAddress,
    SystemdAddress,
    TcpAddress,
    UnixAddress,
    read_address,
)

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", TcpAddress("127.0.0.1", 8000)),
        ("localhost:0", TcpAddress("localhost", 0)),
        (":65535", TcpAddress("", 65535)),
        ("[::1]:8000", TcpAddress("::1", 8000)),
        ("[::]:80", TcpAddress("::", 80)),
        ("unix:/run/chat.sock", UnixAddress("/run/chat.sock")),
        ("unix:here", UnixAddress("here")),
        ("unix:/run/chat.sock,mode=660", UnixAddress("/run/chat.sock", 0o660)),
        ("unix:@chat", UnixAddress("@chat")),
        ("fd:3", DescriptorAddress(3)),
        ("systemd", SystemdAddress()),
        ("systemd:web", SystemdAddress("web")),
    ],
)
def test_an_address_is_read_and_written_again(text, address):
    assert read_address(text) == address
    assert read_address(str(address)) in {address, UnixAddress("/run/chat.sock")}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "HOST:PORT"),
        ("8000", "HOST:PORT"),
        ("localhost", "HOST:PORT"),
        ("localhost:http", "HOST:PORT"),
        ("::1:8000", "brackets"),
        ("[::1]", "HOST:PORT"),
        ("localhost:65536", "0 to 65535"),
        ("unix:", "followed by a path"),
        ("unix:,mode=660", "followed by a path"),
        ("unix:/run/it,mode=999", "mode in octal"),
        ("unix:/run/it,owner=me", "mode in octal"),
        ("unix:/" + "x" * 107, "at most 107 bytes"),
        ("unix:@chat,mode=660", "has no mode"),
        ("fd:", "number of a descriptor"),
        ("fd:-1", "number of a descriptor"),
        ("fd:x", "number of a descriptor"),
    ],
)
def test_a_text_that_is_no_address_is_refused_and_the_error_shows_the_form(text, problem):
    with pytest.raises(ValueError, match=problem):
        read_address(text)
