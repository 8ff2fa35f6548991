import pytest

from sock.testing.wire.refusals import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_refuses_every_wrong_handshake(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_accepts_whatever_comes(verdicts, naive):
    found = verdicts(SECTION, naive())
    fell = {number for number, verdict in found.items() if verdict == "fell"}
    assert {f"2.{place}" for place in range(1, 28)} - {"2.23"} <= fell
    assert {"2.30", "2.31", "2.34", "2.35"} & fell >= {"2.30"}
    assert found["2.36"] == "remark"


def test_a_server_falls_that_takes_a_body_for_frames(verdicts, naive):
    assert verdicts(SECTION, naive(), 34) == {"2.34": "fell"}


def test_a_refusal_without_an_end_falls(verdicts, naive):
    class Endless(naive):
        def status(self, head):
            return 101 if b"Sec-WebSocket-Key" in head else 400

    assert verdicts(SECTION, Endless(), 33) == {"2.33": "fell"}
