import pytest

from sock.testing.wire import Target, try_case
from sock.testing.wire.mutations import SECTION

pytestmark = pytest.mark.one_form


def test_our_server_lives_through_all_of_it(holds):
    assert holds(SECTION) == []


def test_a_server_falls_that_sends_broken_frames_back(verdicts, naive):
    found = verdicts(SECTION, naive(), 1, 2, 5)
    assert set(found.values()) == {"fell"}


def test_a_server_falls_that_a_bad_frame_ends(verdicts, naive):
    class Dies(naive):
        dead = False

        def answers(self, first, payload):
            self.dead = self.dead or bool(first & 0x70)
            return []

        def begins(self):
            return not self.dead

    assert verdicts(SECTION, Dies(), 6) == {"14.6": "fell"}


def test_the_same_seed_sends_the_same_bytes(run_async, naive):
    heard = {1: [], 2: []}

    async def record(seed):
        from asyncio import start_server

        async def take(reader, writer):
            heard[seed].append(await reader.read(100_000))
            writer.close()

        server = await start_server(take, "127.0.0.1", 0)
        async with server:
            target = Target("127.0.0.1", server.sockets[0].getsockname()[1])
            await try_case(target, SECTION.cases[-1], seed=seed, patience=0.3)

    run_async(record(1))
    first, heard[1] = heard[1][:30], []
    run_async(record(1))
    run_async(record(2))
    assert first == heard[1][:30] != heard[2][:30]
    assert len(first) == 30
