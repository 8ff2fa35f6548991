import pytest

from sock.testing.wire.controls import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_holds_all_pings(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_answers_no_ping(verdicts, naive):
    class Silent(naive):
        def answers(self, first, payload):
            return [] if first & 0x0F == 9 else super().answers(first, payload)

    found = verdicts(SECTION, Silent())
    assert {found[f"7.{place}"] for place in range(1, 9)} == {"fell"}


def test_a_server_falls_that_answers_pings_of_any_size(verdicts, naive):
    found = verdicts(SECTION, naive())
    assert {found[f"7.{place}"] for place in range(1, 12)} == {"held"}
    assert {found[f"7.{place}"] for place in range(12, 20)} == {"fell"}


def test_a_server_falls_that_dies_of_a_flood(verdicts, naive):
    class Dies(naive):
        pings = 0

        def answers(self, first, payload):
            self.pings += 1
            return super().answers(first, payload)

        def begins(self):
            return self.pings < 100

    assert verdicts(SECTION, Dies(), 20) == {"7.20": "fell"}
