"""Between the registry and the backend: what another process sends, and what it may not do."""

from __future__ import annotations

import asyncio

import pytest

from sock.pubsub import BackendDown, Gap
from sock.pubsub.envelope import VERSION, Envelope, coder
from sock.pubsub.payload import TEXT, Payloads
from sock.pubsub.running import Running
from tests.pubsub.listening import Ref

pytestmark = pytest.mark.one_form

OTHER = b"another."


class Backend:
    """Carries messages to the test."""

    def __init__(self):
        self.published = []
        self.log = []
        self.receiver = None
        self.acknowledged = asyncio.Event()
        self.down = False

    async def run(self, receiver):
        self.receiver = receiver
        receiver.connected()
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append("ended")

    async def subscribe(self, topic):
        self.log.append(f"subscribe {topic}")
        await self.acknowledged.wait()

    def unsubscribe(self, topic):
        self.log.append(f"unsubscribe {topic}")

    def publish(self, topic, data):
        if self.down:
            raise BackendDown("away")
        self.published.append((topic, data))

    def send(self, sequence, text, topic="room", sender=OTHER, **changes):
        envelope = Envelope(VERSION, sender, sequence, topic, TEXT, text.encode())
        self.receiver.received(topic, coder().encode(envelope._replace(**changes)))


@pytest.fixture
def run():
    def run(body):
        async def scenario():
            backend = Backend()
            own: set[bytes] = set()
            running = Running("test:", Payloads(), backend, own)
            own.add(running.sender)
            await running.begin()
            try:
                await body(running, backend)
            finally:
                await running.stop()
            assert backend.log[-1] == "ended"

        asyncio.run(asyncio.wait_for(scenario(), 30))

    return run


def test_what_others_send_comes_once_in_order_and_with_a_gap_at_a_hole(run):
    async def body(running, backend):
        ref = Ref()
        running.registry.subscribe("room", ref, gaps=True)
        for sequence in (5, 6, 6, 5, 8):
            backend.send(sequence, str(sequence))
        backend.send(9, "own", sender=running.sender)
        backend.send(1, "elsewhere", topic="elsewhere")
        assert ref.heard == ["5", "6", Gap("room"), "8"]

    run(body)


def test_garbage_is_dropped_and_counted_and_disturbs_nobody(run, events):
    async def body(running, backend):
        ref = Ref()
        running.registry.subscribe("room", ref, gaps=False)
        backend.receiver.received("room", b"garbage")
        backend.send(1, "a", version=2)
        backend.send(2, "a", kind=9)
        backend.send(3, "good")
        assert ref.heard == ["good"]
        assert running.rejected == 3
        told = [fields["count"] for event, fields in events if event == "pubsub.rejected"]
        assert told == [1, 2, 3]

    run(body)


def test_own_connections_have_a_message_before_the_backend_and_also_without_it(run):
    async def body(running, backend):
        ref = Ref()
        running.registry.subscribe("room", ref, gaps=False)
        assert running.publish("room", "a", TEXT, b"a", None) is None
        backend.down = True
        with pytest.raises(BackendDown):
            running.publish("room", "b", TEXT, b"b", None)
        assert ref.heard == ["a", "b"]
        assert [topic for topic, _ in backend.published] == ["room"]

    run(body)


def test_a_subscription_waits_for_the_backend_once_for_all_and_lingers(run):
    async def body(running, backend):
        ref = Ref()
        running.registry.subscribe("room", ref, gaps=False)
        waiting = [asyncio.create_task(running.subscribe_at_backend("room")) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert not any(one.done() for one in waiting)
        backend.acknowledged.set()
        await asyncio.gather(*waiting)
        ref.end()
        ref = Ref()
        running.registry.subscribe("room", ref, gaps=False)  # comes back at once
        await running.subscribe_at_backend("room")
        await asyncio.sleep(1.2)
        assert backend.log == ["subscribe room"]
        ref.end()
        while "unsubscribe room" not in backend.log:
            await asyncio.sleep(0.01)
        running.registry.subscribe("room", Ref(), gaps=False)
        await running.subscribe_at_backend("room")
        assert backend.log == ["subscribe room", "unsubscribe room", "subscribe room"]

    run(body)


def test_a_backend_that_goes_and_comes_is_told_once_each(run, events):
    async def body(running, backend):
        backend.receiver.down(OSError("refused"), 1.0)
        backend.receiver.down(OSError("refused"), 2.0)
        assert not running.is_up
        backend.receiver.connected()
        assert running.is_up
        names = [event for event, _ in events if event in {"pubsub.connected", "pubsub.down"}]
        assert names == ["pubsub.connected", "pubsub.down", "pubsub.connected"]

    run(body)
