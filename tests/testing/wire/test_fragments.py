import pytest

from sock.testing.wire.fragments import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_holds_all_fragments(holds):
    assert holds(SECTION) == []


def test_a_server_that_sends_each_fragment_back_holds_what_is_right(verdicts, naive):
    found = verdicts(SECTION, naive())
    assert {found[f"5.{place}"] for place in range(1, 19)} == {"held"}


def test_a_server_that_checks_no_order_falls(verdicts, naive):
    found = verdicts(SECTION, naive())
    assert {found[f"5.{place}"] for place in range(28, 39)} == {"fell"}


def test_a_server_falls_that_answers_a_ping_behind_the_message(verdicts, naive, server_frame):
    class Late(naive):
        late = b""

        def answers(self, first, payload):
            if first & 0x0F == 9:
                self.late = server_frame(0x8A, payload)
                return []
            return [server_frame(first, payload), self.late if first & 0x80 else b""]

    assert verdicts(SECTION, Late(), 22) == {"5.22": "fell"}
