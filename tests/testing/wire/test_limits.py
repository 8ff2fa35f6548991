import asyncio

import pytest

from sock.testing.wire.limits import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_holds_all_limits(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_dies_of_a_large_message(verdicts, naive):
    class Dies(naive):
        dead = False

        def answers(self, first, payload):
            self.dead = self.dead or len(payload) > 100_000
            if self.dead:
                raise ConnectionError
            return super().answers(first, payload)

        def begins(self):
            return not self.dead

    assert verdicts(SECTION, Dies(), 1) == {"11.1": "fell"}


def test_a_server_that_waits_for_what_was_announced_gets_a_remark(verdicts, naive):
    assert set(verdicts(SECTION, naive(), 9, 10).values()) == {"remark"}


def test_a_server_falls_that_answers_no_large_head(verdicts, naive):
    class Waits(naive):
        async def __call__(self, reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.Event().wait()

    assert verdicts(SECTION, Waits(), 11) == {"11.11": "fell"}
