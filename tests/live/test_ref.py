"""The address of a connection: from this thread, from others, and after the end."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from sock import (
    Failed,
    Normal,
    Options,
    Ping,
    Prepared,
    Request,
    Sock,
    Stop,
    Stream,
    Text,
    TextSock,
    Wrapper,
    send_all,
)
from sock.live import Link
from sock.live.bridge import Bridge
from sock.live.ref import push_all
from sock.loop import Reactor, adopt
from sock.wire.frame import Close


class Hears(Sock):
    """Pushes every info, as the contract says of a class without handle_info."""

    def init(self, ref):
        self.ref = ref


def test_an_info_that_is_a_message_is_pushed_in_the_order_sent(run, open_link):
    # rule 10
    async def scenario():
        connection = await open_link(Hears)
        for n in range(100):
            connection.handler.ref.send(f"{n}")
        assert [await connection.peer.next() for _ in range(100)] == [f"{n}" for n in range(100)]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_send_never_runs_the_receiver(run, open_link):
    class Notes(Hears):
        def handle_info(self, info):
            told.append(info)

    told = []

    async def scenario():
        connection = await open_link(Notes)
        connection.handler.ref.send("one")
        assert told == []
        await asyncio.sleep(0)
        assert told == ["one"]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_what_other_threads_send_arrives_in_the_order_of_each(run, open_link):
    async def scenario():
        connection = await open_link(Hears, max_mailbox=None)
        threads = [
            threading.Thread(
                target=lambda name=name: [
                    connection.handler.ref.send(f"{name} {n}") for n in range(200)
                ]
            )
            for name in "abc"
        ]
        for thread in threads:
            thread.start()
        received = [await connection.peer.next() for _ in range(600)]
        for thread in threads:
            thread.join()
        for name in "abc":
            own = [one for one in received if one.startswith(name)]
            assert own == [f"{name} {n}" for n in range(200)]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_a_closed_ref_is_silent(run, open_link):
    async def scenario():
        connection = await open_link(Hears)
        ref = connection.handler.ref
        assert not ref.closed
        assert "live" in repr(ref)
        connection.peer.close()
        await connection.over()
        assert ref.closed
        assert "closed" in repr(ref)
        ref.send("nobody hears")
        ref.stop(4001)
        assert ref.pending == 0
        ref.send_after(0, "nobody hears").cancel()
        assert ref.request.target == "/"
        task = ref.spawn(asyncio.sleep(3600))
        await asyncio.wait([task])
        assert task.cancelled()

    run(scenario())


def test_send_after_sends_later_unless_it_is_cancelled(run, open_link):
    async def scenario():
        connection = await open_link(Hears)
        ref = connection.handler.ref
        ref.send_after(0.05, "second")
        ref.send_after(0.0, "first")
        never = ref.send_after(0.02, "never")
        never.cancel()
        never.cancel()
        assert [await connection.peer.next() for _ in range(2)] == ["first", "second"]
        ref.send_after(3600, "forgotten when the connection ends")
        connection.peer.close()
        await connection.over()
        assert not connection.link.timers

    run(scenario())


def test_an_exception_in_a_spawned_task_ends_the_connection_with_1011(run, open_link):
    class Spawns(TextSock):
        def __init__(self, request: Request) -> None: ...

        def init(self, ref):
            ref.spawn(self.fail())

        async def fail(self):
            raise ValueError

    async def scenario():
        connection = await open_link(Spawns)
        assert await connection.peer.next() == Close(1011, "")
        connection.peer.close(1011)
        await connection.over()

    run(scenario())


def test_a_spawned_task_that_its_owner_cancels_is_no_failure(run, open_link):
    class Spawns(Hears):
        def init(self, ref):
            super().init(ref)
            self.task = ref.spawn(asyncio.sleep(3600))

        def handle_in(self, message):
            self.task.cancel()
            return "cancelled"

    async def scenario():
        connection = await open_link(Spawns)
        connection.peer.send("go")
        assert await connection.peer.next() == "cancelled"
        await connection.peer.until_pong()
        assert not connection.handler.ref.closed
        connection.link.abort()
        await connection.over()

    run(scenario())


# --- Ref.stop ---


class Busy(Hears):
    """Does what it is told, for ever; notes how it ended."""

    def __init__(self, request):
        self.log = []

    def handle_in(self, message):
        match message:
            case "sleep":
                return self.sleep()
            case "generate":
                return self.items()
            case "stream":
                return Stream(self.items())
            case "spawn":
                self.ref.spawn(self.sleep())
            case "fill":
                return b"x" * 30_000_000
        return message

    async def sleep(self):
        self.log.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append("left")

    async def items(self):
        try:
            while True:
                yield "item"
                await asyncio.sleep(0.001)
        finally:
            self.log.append("left")

    def terminate(self, reason):
        self.log.append(reason)


def stop(where, ref, *arguments, **more):
    """Stop from the loop's thread or from another."""
    if where == "the loop":
        ref.stop(*arguments, **more)
        return
    thread = threading.Thread(target=lambda: ref.stop(*arguments, **more))
    thread.start()
    thread.join()


where = pytest.mark.parametrize("where", ["the loop", "another thread"])


@where
@pytest.mark.parametrize("work", ["nothing", "sleep", "generate", "stream", "spawn"])
def test_stop_ends_a_connection_whatever_is_under_way(run, open_link, where, work):
    """[S10.11]"""

    async def scenario():
        connection = await open_link(Busy)
        handler = connection.handler
        connection.peer.send(work)
        await connection.peer.until_pong()
        stop(where, handler.ref, 4001, "out", messages=["last", b"words"])
        assert handler.ref.closed
        assert Normal() not in handler.log
        handler.ref.send("forgotten")
        heard = []
        while not isinstance(event := await connection.peer.next(), Close):
            heard.append(event)
        assert event == Close(4001, "out")
        assert heard[-2:] == ["last", b"words"]
        connection.peer.close(4001)
        await connection.over()
        assert handler.log[-1] == Normal()
        assert ("left" in handler.log) is (work != "nothing")

    run(scenario())


@where
def test_stop_goes_ahead_of_what_waits_in_the_mailbox(run, open_link, where):
    async def scenario():
        connection = await open_link(Busy)
        connection.peer.send("sleep", "never answered")
        await connection.peer.until_pong()
        connection.handler.ref.send("never pushed")
        stop(where, connection.handler.ref)
        assert await connection.peer.next() == Close(1000, "")
        connection.peer.close()
        await connection.over()

    run(scenario())


@where
def test_a_peer_that_does_not_read_is_cut_after_close_timeout(run, open_link, where):
    async def scenario():
        connection = await open_link(Busy, close_timeout=0.3, send_timeout=60)
        handler = connection.handler
        connection.peer.send("fill")
        while not handler.ref.pending:
            await asyncio.sleep(0)
        stop(where, handler.ref, 4001)
        await connection.over()
        assert handler.log == [Normal()]

    run(scenario())


def test_stop_never_runs_a_callback_before_it_returns(run, open_link):
    async def scenario():
        connection = await open_link(Busy)
        connection.handler.ref.stop()
        assert connection.handler.log == []
        await asyncio.sleep(0)
        assert connection.handler.log == [Normal()]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_the_first_of_two_stops_counts(run, open_link):
    async def scenario():
        connection = await open_link(Busy)
        connection.handler.ref.stop(4001)
        connection.handler.ref.stop(4002)
        assert await connection.peer.next() == Close(4001, "")
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_what_is_wrong_with_a_stop_is_told_to_its_caller_also_after_the_end(run, open_link):
    async def scenario():
        connection = await open_link(Busy)
        ref = connection.handler.ref
        for _ in range(2):
            with pytest.raises(ValueError, match="1006 may not travel"):
                ref.stop(1006)
            with pytest.raises(ValueError, match="surrogates"):
                ref.stop(detail="\ud800")
            with pytest.raises(TypeError, match="code is an int"):
                ref.stop("4001")
            for messages in (7, [7], ["a", None], {"a": "b"}, {"a"}):
                with pytest.raises(TypeError, match="messages must"):
                    ref.stop(messages=messages)
            connection.link.abort()
            await connection.over()

    run(scenario())


def test_the_messages_of_stop_are_sent_as_they_are_when_it_is_called(run, open_link):
    async def scenario():
        connection = await open_link(Busy)
        buffer = bytearray(b"before")
        messages = [buffer, memoryview(buffer)]
        connection.handler.ref.stop(messages=messages)
        buffer[:] = b"behind"
        messages.append("too late")
        assert [await connection.peer.next() for _ in range(2)] == [b"before"] * 2
        assert await connection.peer.next() == Close(1000, "")
        connection.link.abort()
        await connection.over()

    run(scenario())


# --- Ref.pending ---


def test_pending_counts_what_was_queued_in_this_turn_and_what_the_kernel_has_not_taken(
    run, open_link
):
    """[S10.12]"""

    async def scenario():
        connection = await open_link(Hears, max_send_buffer=None)
        ref = connection.handler.ref
        assert ref.pending == 0
        ref.send("12345")
        assert ref.pending == 7
        assert await connection.peer.next() == "12345"
        assert ref.pending == 0
        ref.send(b"x" * 30_000_000)
        await asyncio.sleep(0.05)
        waits = await asyncio.to_thread(lambda: ref.pending)
        assert 0 < waits < 30_000_010
        ref.send("12345")
        assert ref.pending == waits + 7
        ref.stop()
        assert ref.pending == 0
        connection.link.abort()
        await connection.over()

    run(scenario())


# --- send_all ---


class Notes(Hears):
    def init(self, ref):
        super().init(ref)
        self.told = []

    def handle_info(self, info):
        self.told.append(info)
        return info


@where
@pytest.mark.parametrize(
    ("info", "heard"),
    [
        ("text é", "text é"),
        (b"binary", b"binary"),
        (Text(b"utf8"), "utf8"),
        (bytearray(b"array"), b"array"),
        (memoryview(b"view"), b"view"),
        (Prepared("prepared"), "prepared"),
        (Ping(b"ping"), Ping(b"ping")),
    ],
)
def test_send_all_is_the_same_as_send_for_each(run, open_link, where, info, heard):
    """[S10.13] A handler with handle_info gets the info itself."""

    async def scenario():
        pushing = [await open_link(Hears) for _ in range(2)]
        notes = await open_link(Notes)
        other = Other()
        refs = [one.handler.ref for one in (*pushing, notes)]
        if where == "the loop":
            send_all((*refs, other), info)
        else:
            await asyncio.to_thread(send_all, iter((*refs, other)), info)
        for one in (*pushing, notes):
            assert await one.peer.next() == heard
            one.link.abort()
            await one.over()
        assert notes.handler.told == other.told == [info]
        assert notes.handler.told[0] is info

    run(scenario())


class Other:
    """A ref that is none of ours."""

    def __init__(self):
        self.told = []

    def send(self, info):
        self.told.append(info)


def test_send_all_encodes_a_message_once(run, open_link, monkeypatch):
    async def scenario():
        connections = [await open_link(Hears) for _ in range(20)]
        made = []
        encoded = Prepared.encoded
        monkeypatch.setattr(
            Prepared,
            "encoded",
            lambda self, variant, encode: encoded(
                self, variant, lambda: made.append(1) or encode()
            ),
        )
        send_all([one.handler.ref for one in connections], "é")
        assert [await one.peer.next() for one in connections] == ["é"] * 20
        assert made == [1]
        for one in connections:
            one.link.abort()
            await one.over()

    run(scenario())


def test_send_all_keeps_the_order_and_is_silent_for_the_closed(run, open_link):
    async def scenario():
        one, other = [await open_link(Hears) for _ in range(2)]
        refs = {one.handler.ref, other.handler.ref}
        one.handler.ref.send("first")
        send_all(refs, "second")
        one.handler.ref.send("third")
        assert [await one.peer.next() for _ in range(3)] == ["first", "second", "third"]
        one.peer.close()
        await one.over()
        send_all(refs, "fourth")
        assert [await other.peer.next() for _ in range(2)] == ["second", "fourth"]
        send_all((), "nobody")
        other.link.abort()
        await other.over()

    run(scenario())


@pytest.mark.parametrize("info", ["\ud800", Text(b"\xff"), 7, None])
def test_send_all_of_what_cannot_be_pushed_is_told_as_for_send(run, open_link, info):
    async def scenario():
        outcomes = []
        for send in (lambda ref: ref.send(info), lambda ref: send_all([ref], info)):
            connection = await open_link(Hears)
            send(connection.handler.ref)
            connection.peer.close(4000)
            outcome = []
            while (event := await connection.peer.next()) is not None:
                outcome.append(event)
            outcomes.append(repr(outcome))
            await connection.over()
        assert outcomes[0] == outcomes[1]

    run(scenario())


def test_send_all_may_change_the_set_that_it_goes_over(run, open_link):
    """A ref that is none of ours may do anything in its send."""

    class Leaves(Other):
        def send(self, info):
            super().send(info)
            refs.discard(self)

    async def scenario():
        refs.update(Leaves() for _ in range(3))
        everyone = list(refs)
        send_all(refs, "bye")
        assert [one.told for one in everyone] == [["bye"]] * 3

    refs = set()
    run(scenario())


# --- what is for the loop's own thread ---


@pytest.mark.parametrize("name", ["send_after", "spawn", "add_done_callback"])
def test_what_is_for_the_loop_s_thread_says_so_in_another(run, open_link, name):
    """[S10.14]"""

    def call(ref):
        match name:
            case "send_after":
                ref.send_after(0, "lost")
            case "spawn":
                ref.spawn(asyncio.sleep(0))
            case "add_done_callback":
                ref.add_done_callback(lambda: None)

    async def call_in_a_loop_of_its_own(ref):
        call(ref)

    async def scenario():
        connection = await open_link(Hears)
        ref = connection.handler.ref
        for attempt in (call, lambda ref: asyncio.run(call_in_a_loop_of_its_own(ref))):
            with pytest.raises(RuntimeError, match=rf"Ref\.{name} may only .*call_soon_threadsafe"):
                await asyncio.to_thread(attempt, ref)
        assert not ref.closed
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_send_after_may_be_called_while_the_loop_does_not_run(loop_factory, monkeypatch, native):
    """Then no thread is the loop's."""
    monkeypatch.setenv("SOCK_REACTOR", "epoll" if native else "transport")
    loop = loop_factory()

    async def make():
        reactor = Reactor.of(loop)
        return Bridge(reactor, object_with_controls(), Request(), Hears(Request()), Options())

    ref = loop.run_until_complete(make()).ref
    ref.send_after(60, "later").cancel()
    loop.close()


def object_with_controls():
    class ServerWire:
        passes_control_frames = False

    return ServerWire()


# --- what is raised ---


@pytest.mark.parametrize("kind", ["plain", "coroutine", "later", "generator", "stream", "task"])
@pytest.mark.parametrize("error", [Stop(4001, "mine"), GeneratorExit("odd")], ids=["Stop", "odd"])
def test_what_is_raised_anywhere_below_a_callback_ends_the_connection(
    run, open_link, events, kind, error
):
    """[S6.1] [S6.9] GeneratorExit is an exception like any other, and nobody is left waiting."""

    class Raises(Hears):
        def handle_in(self, message):
            match kind:
                case "plain":
                    raise error
                case "coroutine":
                    return self.at_once()
                case "later":
                    return self.later()
                case "generator":
                    return self.items()
                case "stream":
                    return Stream(self.items())
                case "task":
                    self.ref.spawn(self.later())
            return None

        async def at_once(self):
            raise error

        async def later(self):
            await asyncio.sleep(0)
            await self.at_once()

        async def items(self):
            yield "one"
            await self.later()

        def terminate(self, reason):
            told.append(reason)

    told = []

    async def scenario():
        connection = await open_link(Raises)
        connection.peer.send("go")
        while not isinstance(event := await connection.peer.next(), Close):
            assert event == "one"
        stops = isinstance(error, Stop)
        assert event == (Close(4001, "mine") if stops else Close(1011, ""))
        connection.peer.close(event.code)
        await connection.over()
        failures = [fields["error"] for name, fields in events if name == "callback.failed"]
        assert failures == ([] if stops else [error])
        assert told == [Normal() if stops else Failed(error)]

    run(scenario())


def test_a_stop_raised_in_a_task_group_ends_the_connection_by_its_code(run, open_link, events):
    """[S6.9]"""

    class Groups(Hears):
        async def handle_in(self, message):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(3600))
                group.create_task(self.refuse())

        async def refuse(self):
            raise Stop(1007, "no JSON", messages="see the manual")

    async def scenario():
        connection = await open_link(Groups)
        connection.peer.send("go")
        assert await connection.peer.next() == "see the manual"
        assert await connection.peer.next() == Close(1007, "no JSON")
        connection.peer.close(1007)
        await connection.over()
        assert "callback.failed" not in [name for name, _ in events]

    run(scenario())


class Answers(Hears):
    def handle_info(self, info):
        return info


@pytest.mark.parametrize("kind", [Hears, Answers])
def test_a_loop_may_go_on_in_another_thread(loop_factory, monkeypatch, native, kind):
    """A server set up by the main thread, say, whose loop then runs beside it."""
    monkeypatch.setenv("SOCK_REACTOR", "epoll" if native else "transport")
    loop = loop_factory()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(5)
    made, over = [], asyncio.Event()

    def connect(pipe):
        request = Request("GET", "/")
        reactor = Reactor.of(loop)
        made.append(
            Link(
                reactor,
                pipe,
                request,
                kind(request),
                Options(),
                on_over=lambda link: over.set(),
            )
        )
        return made[0]

    async def begin():
        adopt(Reactor.of(loop), ours, connect)
        while not made:
            await asyncio.sleep(0)
        made[0].begin(b"")

    loop.run_until_complete(begin())
    ref = made[0].ref
    running = threading.Thread(target=loop.run_forever)
    running.start()
    try:
        for message in ("one", "two"):
            ref.send(message)
            assert theirs.recv(5) == b"\x81\x03" + message.encode()
    finally:
        theirs.close()
        asyncio.run_coroutine_threadsafe(over.wait(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        running.join()
        loop.close()


# --- push_all ---


@pytest.mark.parametrize("debug", [False, True])
def test_push_all_shows_no_handle_info_what_it_pushes_and_keeps_the_order(run, open_link, debug):
    class Notes(Hears):
        def handle_info(self, info):
            return f"seen {info}"

    async def scenario():
        for kind, seen in ((Notes, "seen one"), (Hears, "one")):
            connection = await open_link(kind, debug=debug)
            refs = [connection.handler.ref]
            connection.handler.ref.send("one")
            push_all(refs, Prepared("whole"))
            await asyncio.to_thread(push_all, refs, Prepared("from a thread"))
            assert [await connection.peer.next() for _ in range(3)] == [
                seen,
                "whole",
                "from a thread",
            ]
            push_all(refs, Prepared("idle"))
            assert await connection.peer.next() == "idle"
            connection.link.abort()
            await connection.over()
            push_all(refs, Prepared("nobody"))

    run(scenario())


def test_a_wrapper_sees_what_push_all_pushes(run, open_link):
    class Loud(Wrapper):
        def outgoing(self, message):
            told.append(message)
            return f"{message}!" if isinstance(message, str) else message.message

    class Notes(Hears):
        def handle_info(self, info):
            raise AssertionError(info)

    told = []

    async def scenario():
        kept = []

        def made(request):
            kept.append(Notes(request))
            return Loud(Loud(kept[0]))

        connection = await open_link(made)
        push_all([kept[0].ref], Prepared("whole"))
        assert await connection.peer.next() == "whole!"
        assert told == [Prepared("whole"), "whole"]
        connection.link.abort()
        await connection.over()

    run(scenario())


def test_push_all_sends_to_another_kind_of_ref():
    class Other:
        def send(self, info):
            told.append(info)

    told = []
    push_all([Other()], Prepared("whole"))
    assert told == [Prepared("whole")]
