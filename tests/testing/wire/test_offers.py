import pytest

from sock.testing.wire.offers import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_agrees_on_what_it_can_keep(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_agrees_on_whatever_is_offered(verdicts, naive):
    class Agrees(naive):
        def fields(self, fields):
            offered = fields.get("sec-websocket-extensions", "")
            return f"Sec-WebSocket-Extensions: {offered}\r\n".encode() if offered else b""

    found = verdicts(SECTION, Agrees())
    assert {found[f"9.{place}"] for place in range(14, 27)} == {"fell"}
    assert found["9.1"] == found["9.10"] == "held"


def test_a_server_falls_that_forgets_what_it_was_asked(verdicts, naive):
    class Forgets(naive):
        extra = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"

    found = verdicts(SECTION, Forgets())
    assert {found[f"9.{place}"] for place in (6, 7, 8, 9, 10)} == {"fell"}


def test_a_server_that_declines_is_skipped_or_held(verdicts, naive):
    found = verdicts(SECTION, naive())
    assert "fell" not in found.values()
