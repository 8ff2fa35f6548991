import pytest

from sock.testing.wire.texts import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_holds_all_texts(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_takes_bytes_for_text(verdicts, naive):
    found = verdicts(SECTION, naive())
    assert {found[f"6.{place}"] for place in range(1, 24)} == {"held"}
    assert {found[f"6.{place}"] for place in range(24, 60)} == {"fell"}
    assert {found[f"6.{place}"] for place in range(60, 63)} == {"remark"}


def test_a_server_falls_that_replaces_letters(verdicts, naive, server_frame):
    class Replaces(naive):
        def answers(self, first, payload):
            text = payload.decode("ascii", "replace")
            return [server_frame(first, text.encode())]

    assert set(verdicts(SECTION, Replaces(), 2, 3, 4, 15, 16).values()) == {"fell"}
    assert verdicts(SECTION, Replaces(), 1) == {"6.1": "held"}
