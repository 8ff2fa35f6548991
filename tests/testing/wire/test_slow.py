import asyncio

import pytest

from sock.testing.wire.slow import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_holds_up_nobody(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_serves_one_client_at_a_time(run_async, verdicts, naive):
    class OneAtATime(naive):
        lock = None

        async def __call__(self, reader, writer):
            self.lock = self.lock or asyncio.Lock()
            async with self.lock:
                await super().__call__(reader, writer)

    for place in (5, 6, 7):
        assert verdicts(SECTION, OneAtATime(), place) == {f"12.{place}": "fell"}


def test_a_server_falls_that_loses_patience_within_a_frame(verdicts, naive):
    class Hurries(naive):
        async def __call__(self, reader, writer):
            try:
                async with asyncio.timeout(0.3):
                    await super().__call__(reader, writer)
            except TimeoutError:
                writer.close()

    assert set(verdicts(SECTION, Hurries(), 1, 2, 3).values()) == {"fell"}
