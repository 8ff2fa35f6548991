"""The Sock of a connection: what it does with what its mux says."""

import pytest

from sock import Shutdown, Stop, TimedOut
from sock.channels import Closed, Draining
from sock.channels.websocket import WebSocket

pytestmark = pytest.mark.one_form


class Mux:
    """Stands for the other side of the seam."""

    def __init__(self):
        self.reasons = []

    def end(self, reason):
        self.reasons.append(reason)

    def wants_to_end(self, info):
        return info == "disconnect"

    def take_info(self, info):
        return None


def test_a_drain_is_told_apart_from_every_other_end():
    mux = Mux()
    for reason in (Shutdown(), TimedOut()):
        WebSocket(mux).terminate(reason)
    assert mux.reasons == [Draining(), Closed(TimedOut())]


def test_disconnect_says_1001():
    assert WebSocket(Mux()).handle_info("disconnect") == Stop(1001, "disconnected")
    assert WebSocket(Mux()).handle_info("else") is None
