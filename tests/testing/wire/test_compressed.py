import pytest

from sock.testing.wire.compressed import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_holds_all_compressed_messages(holds):
    assert holds(SECTION) == []


def test_a_server_that_sends_compressed_bytes_back_falls_for_what_it_must_refuse(verdicts, naive):
    class Deflates(naive):
        extra = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"

    found = verdicts(SECTION, Deflates())
    assert found["10.1"] == found["10.11"] == "held"
    assert {found[f"10.{place}"] for place in (23, 24, 27, 28, 29, 30, 31, 34)} == {"fell"}


def test_a_server_falls_that_agrees_and_does_not_inflate(verdicts, naive, server_frame):
    class Pretends(naive):
        extra = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"

        def answers(self, first, payload):
            return [server_frame(first & ~0x40, payload)]

    found = verdicts(SECTION, Pretends(), 1, 8, 10)
    assert set(found.values()) == {"fell"}


def test_without_compression_the_cases_are_skipped(verdicts, naive):
    assert set(verdicts(SECTION, naive(), 1, 23, 36).values()) == {"skipped"}
