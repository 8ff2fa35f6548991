import pytest

from sock.testing.wire.closes import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_ends_every_connection_in_order(holds):
    assert holds(SECTION) == []


def test_a_server_that_sends_each_close_back_falls_for_codes_that_must_not_be_sent(verdicts, naive):
    found = verdicts(SECTION, naive())
    assert {found[f"8.{place}"] for place in range(1, 22)} == {"held"}
    assert {found[f"8.{place}"] for place in (27, 28, 29)} == {"fell"}
    assert found["8.30"] == "remark"


def test_a_server_falls_that_answers_no_close(verdicts, naive):
    class Silent(naive):
        def answers(self, first, payload):
            return [] if first & 0x0F == 8 else super().answers(first, payload)

    found = verdicts(SECTION, Silent())
    assert {found[f"8.{place}"] for place in range(1, 15)} == {"fell"}


def test_a_server_falls_that_talks_on_behind_its_close(verdicts, naive, server_frame):
    class Talks(naive):
        def answers(self, first, payload):
            more = [server_frame(0x81, b"more")] if first & 0x0F == 8 else []
            return [*super().answers(first, payload), *more]

    assert verdicts(SECTION, Talks(), 1) == {"8.1": "fell"}
