import pytest

from sock.testing.wire.many import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_serves_everybody(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_serves_fifty_clients_and_no_more(verdicts, naive):
    class Few(naive):
        count = 0

        def begins(self):
            self.count += 1
            return self.count < 50

    for place in (1, 2, 3, 4, 5):
        assert verdicts(SECTION, Few(), place) == {f"13.{place}": "fell"}


def test_a_server_falls_that_mixes_its_clients(verdicts, naive, server_frame):
    class Mixes(naive):
        last = b"nothing"

        def answers(self, first, payload):
            payload, self.last = self.last, payload
            return [server_frame(first, payload)]

    assert verdicts(SECTION, Mixes(), 1) == {"13.1": "fell"}
