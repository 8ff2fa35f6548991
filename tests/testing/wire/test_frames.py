import pytest

from sock.testing.wire.frames import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_holds_all_frames(holds):
    assert holds(SECTION) == []


def test_a_server_that_checks_nothing_falls(verdicts, naive):
    found = verdicts(SECTION, naive())
    good = {number for number, verdict in found.items() if verdict == "held"}
    assert {f"4.{place}" for place in range(1, 26)} <= good
    fell = {number for number, verdict in found.items() if verdict == "fell"}
    # Unmasked frames; reserved bits, which it sends back; opcodes that are not defined.
    assert {f"4.{place}" for place in (26, 27, 29, 31)} <= fell
    assert {f"4.{place}" for place in range(32, 39)} <= fell
    assert {f"4.{place}" for place in range(51, 61)} <= fell


def test_a_server_falls_that_loses_the_last_byte(verdicts, naive, server_frame):
    class Loses(naive):
        def answers(self, first, payload):
            return [server_frame(first, payload[:-1])]

    assert set(verdicts(SECTION, Loses(), 2, 8, 10, 16).values()) == {"fell"}


def test_a_server_falls_that_masks_its_frames(verdicts, naive, server_frame):
    class Masks(naive):
        def answers(self, first, payload):
            return [bytes((first, 0x80 | len(payload))) + bytes(4) + payload]

    assert verdicts(SECTION, Masks(), 2) == {"4.2": "fell"}
