"""Which backend an address names."""

import pytest

from sock import Sock
from sock.hosting import worker
from sock.pubsub import PubSub
from sock.pubsub.backends.choice import backend_of, chosen_url, masked

pytestmark = pytest.mark.one_form


def test_the_given_address_counts_then_the_variable_then_what_this_process_is(monkeypatch):
    monkeypatch.delenv("SOCK_PUBSUB", raising=False)
    assert chosen_url(None) == "memory:"
    monkeypatch.setattr(worker, "_of_process", worker.Worker(2, "/folder"))
    assert chosen_url(None) == "host:"
    monkeypatch.setenv("SOCK_PUBSUB", "redis://there")
    assert chosen_url(None) == "redis://there"
    assert chosen_url("memory:") == "memory:"


@pytest.mark.parametrize("url", ["rediss//x", "kafka://me:secret@there", "memory"])
def test_an_unknown_scheme_is_one_line_that_names_the_known_ones(url):
    with pytest.raises(ValueError, match="no backend") as raised:
        backend_of(url)
    text = str(raised.value)
    assert "memory:" in text
    assert "\n" not in text
    assert "secret" not in text


def test_a_type_in_the_place_of_the_address_is_told_its_own_place():
    with pytest.raises(TypeError, match=r"PubSub\(kind=Sock\) has none"):
        PubSub(Sock)
    with pytest.raises(TypeError, match="the address is a str, such as 'redis://localhost', not 7"):
        PubSub(7)


def test_messages_of_memory_need_no_backend():
    assert backend_of("memory:") is None


def test_a_password_is_not_shown():
    assert masked("redis://:secret@there:1/0") == "redis://:***@there:1/0"
    assert masked("nats://token@there") == "nats://***@there"
    assert masked("host:/run/a@b") == "host:/run/a@b"


def test_host_needs_a_supervisor_or_a_folder():
    assert backend_of("host:") is None
    assert backend_of("host:/run/mine") is not None
