"""Whatever happens, in whatever order, the rules hold: all kinds of handlers, any mood of peer."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sock import (
    Failed,
    HandlerError,
    MailboxFull,
    Normal,
    Options,
    PeerTooSlow,
    Ping,
    Pong,
    ProtocolError,
    Remote,
    Shutdown,
    Sock,
    Stop,
    Stream,
    TimedOut,
    testing,
)
from sock.testing import frame

OPTIONS = Options(
    max_send_buffer=2000,
    max_read_ahead=300,
    max_mailbox=4,
    close_timeout=3,
    send_timeout=5,
    idle_timeout=20,
    ping_interval=7,
)


class Anything(Sock):
    """Does what it is told, and keeps a log in which every breach of a rule can be seen."""

    def __init__(self, log):
        self.log = log
        self.busy = None
        self.open = set()
        self.released = asyncio.Event()
        self.over = False
        self.seen = []
        self.count = 0

    def enters(self, place):
        assert not self.over, f"{place} after terminate"
        assert self.busy is None, f"{place} while {self.busy} is under way"
        self.log.append(place)

    def init(self, ref):
        self.enters("init")
        assert self.log == ["init"]
        self.ref = ref
        return self.does(ref.request.query["init"], "init")

    def handle_in(self, message):
        self.enters("handle_in")
        number, _, what = message.partition(":")
        self.seen.append(int(number))
        assert self.seen == sorted(self.seen), "out of order"
        return self.does(what, "handle_in")

    def handle_info(self, info):
        self.enters("handle_info")
        return self.does(info, "handle_info")

    def handle_control(self, frame):
        self.enters("handle_control")

    def terminate(self, reason):
        self.enters("terminate")
        assert not self.open, f"{self.open} still open"
        self.over = True
        self.reason = reason
        if self.ref.request.query["end"] == "wait":
            return self.ends()
        return None

    async def ends(self):
        await self.released.wait()

    def does(self, what, place):
        match what:
            case "text":
                return "t" * 100
            case "big":
                return ["b" * 1500, b"b" * 1500]
            case "stop":
                return Stop(4000, messages=["last", "words"])
            case "raise":
                raise LookupError
            case "raise_stop":
                raise Stop(4000, messages="last")
            case "stop_self":
                self.ref.stop(4000, messages="last")
                return "first"
            case "bad":
                return {}
            case "wait" | "stubborn" | "wait_raise" | "wait_stop" | "wait_raise_stop":
                return self.waits(what, place, len(self.log))
            case "items":
                return self.items(place, len(self.log))
            case "stream":
                return Stream(self.items())
            case "spawn":
                self.ref.spawn(self.task())
            case "self":
                for _ in range(3):
                    self.ref.send("text")
            case "after":
                self.ref.send_after(2, "text")
            case "cancelled":
                stream = Stream(self.items())
                stream.cancel()
                return stream
        return None

    def begins(self, place, since):
        # It may be cancelled before it begins; it may not begin after the next callback.
        assert len(self.log) == since, f"{self.log[since:]} while {place} is under way"
        self.busy = place

    async def waits(self, what, place, since):
        self.begins(place, since)
        try:
            await self.released.wait()
            if what == "wait_raise":
                raise LookupError
            if what == "wait_raise_stop":
                raise Stop(4000)
            return Stop(4000) if what == "wait_stop" else "waited"
        except asyncio.CancelledError:
            if what == "stubborn":
                return "cancelled, and yet it answers"
            raise
        finally:
            self.busy = None

    async def items(self, place=None, since=0):
        if place is not None:
            self.begins(place, since)
        self.count += 1
        mark = self.count
        self.open.add(mark)
        try:
            for _ in range(30):
                yield "i" * 200
                await asyncio.sleep(0.5)
        finally:
            self.open.discard(mark)
            if place is not None:
                self.busy = None

    async def task(self):
        mark = "task"
        self.open.add(mark)
        try:
            await asyncio.sleep(1000)
        finally:
            self.open.discard(mark)


RESULTS = [
    "text",
    "big",
    "stop",
    "raise",
    "raise_stop",
    "stop_self",
    "bad",
    "wait",
    "stubborn",
    "wait_raise",
    "wait_stop",
    "wait_raise_stop",
    "items",
    "stream",
    "spawn",
    "self",
    "after",
    "cancelled",
    "nothing",
]
result = st.sampled_from(RESULTS)
quiet = st.sampled_from([one for one in RESULTS if not one.startswith(("stop", "raise", "bad"))])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.lists(quiet, min_size=1, max_size=6)),
        st.tuples(st.just("receive"), st.lists(result, min_size=1, max_size=3)),
        st.tuples(st.just("info"), quiet),
        st.tuples(st.just("advance"), st.sampled_from([0.1, 0.5, 1, 3, 7, 20])),
        st.sampled_from([("block",), ("unblock",), ("release",), ("hold",), ("ping",), ("pong",)]),
        st.sampled_from([("close", 1000), ("close", None), ("close", 4001), ("close", 1005)]),
        st.sampled_from([("lose",), ("end",), ("shutdown",), ("violate",), ("half",), ("kick",)]),
    ),
    max_size=14,
)


def do(session, step, numbers):
    match step:
        case "receive", kinds:
            session.receive(*[f"{next(numbers)}:{kind}" for kind in kinds])
        case "info", what:
            session.info(what)
        case "advance", seconds:
            session.advance(seconds)
        case ("release",):
            session.handler.released.set()
        case ("hold",):
            session.handler.released.clear()
        case ("ping",):
            session.receive(Ping(b"?"))
        case ("pong",):
            session.receive(Pong())
        case "close", code:
            session.close(code)
        case ("shutdown",):
            session.shutdown(4)
        case ("kick",):
            session.ref.stop(4000, messages="kicked")
            assert session.ref.closed
        case ("violate",):
            session.receive_bytes(frame(1, b"\xff"))
        case ("half",):
            session.receive_bytes(frame(1, b"not all of it")[:7])
        case (name,):
            getattr(session, name)()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(first=quiet, last=st.sampled_from(["at once", "wait"]), happens=steps)
def test_the_rules_hold_whatever_happens(first, last, happens):
    log = []
    with testing.open(
        lambda _: Anything(log), f"/?init={first}&end={last}", options=OPTIONS
    ) as session:
        check(session, log, happens)


def check(session, log, happens):
    numbers = iter(range(10_000))
    handler = session.handler
    for step in happens:
        do(session, step, numbers)
        if session.reason is not None:
            assert session.code is not None or session.unsent, "an end without a word"
    reason_before_terminate_ended = session.reason
    # A host that does not read, because its handler lags, gives no silent peer up (rule 12).
    handler.released.set()
    session.advance(3000)
    assert session.closed
    assert log[-1] == "terminate"
    assert log.count("terminate") == log.count("init") == 1
    assert reason_before_terminate_ended in (None, handler.reason)
    assert session.reason == handler.reason
    may_be_lost = not LOSES_THE_CLOSE.isdisjoint(step[0] for step in happens)
    assert session.code in codes_of(handler.reason) | ({1006} if may_be_lost else set())
    match handler.reason:
        case Failed(LookupError() | HandlerError() as error):
            assert session.error is error
        case Normal() | Failed():
            assert session.error is None
        case _:  # a callback may fail although the peer is gone
            assert session.error is None or type(session.error) in {LookupError, HandlerError}


LOSES_THE_CLOSE = {"lose", "end", "block"}
"""Steps after which the Close frame may not reach the peer."""


def codes_of(reason):
    """Return the codes that the peer may be told for a reason."""
    match reason:
        case Normal():
            return {4000}
        case Shutdown():
            return {1012}
        case TimedOut():
            return {3008}
        case Remote(1006):
            return {1006}
        case Remote(code):
            return {code}
        case Failed(LookupError() | HandlerError()):
            return {1011}
        case Failed(MailboxFull() | PeerTooSlow()):
            return {1013}
        case Failed(ProtocolError() as error):
            return {error.code}
    raise AssertionError(reason)
