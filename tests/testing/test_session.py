import asyncio
import gc
from functools import partial

import pytest

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
    Refuse,
    Remote,
    Response,
    Shutdown,
    Sock,
    Stop,
    TextSock,
    TimedOut,
    Upgrade,
    testing,
)
from sock.testing import Close, frame


class Echo(Sock):
    def handle_in(self, message):
        return message


class Fails(Sock):
    def handle_in(self, message):
        raise LookupError(message)


class Waits(Sock):
    """Handles each message until `released` is set."""

    def __init__(self, request):
        self.released = asyncio.Event()
        self.finished = []
        self.ended = None

    async def handle_in(self, message):
        await self.released.wait()
        self.finished.append(message)
        return message

    def terminate(self, reason):
        self.ended = reason


class Chat(TextSock[str]):
    def __init__(self, request, rooms):
        self.room = rooms.setdefault(request.path, [])
        self.name = request.query["name"]

    async def init(self, ref):
        self.room.append(ref)
        ref.add_done_callback(lambda: self.room.remove(ref))

    async def handle_in(self, text):
        for ref in self.room:
            ref.send(f"{self.name}: {text}")


# What the peer does, and what it hears.


def test_a_message_is_received_and_what_is_pushed_is_told_once():
    with testing.open(Echo) as session:
        session.receive("hello", b"\0")
        assert session.pushed() == ["hello", b"\0"]
        assert session.pushed() == []


def test_several_messages_come_in_one_piece_and_are_answered_in_one_write():
    with testing.open(Echo) as session:
        before = session.writes
        session.receive("one", "two", "three")
        assert session.writes == before + 1
        assert session.pushed() == ["one", "two", "three"]


def test_a_ping_is_answered_while_a_callback_is_waiting():
    with testing.open(Waits) as session:
        session.receive("begin")
        session.receive(Ping(b"there?"))
        assert session.sent() == [Pong(b"there?")]
        assert session.handler.finished == []


def test_what_was_pushed_was_sent_too():
    with testing.open(Echo) as session:
        session.receive("hello", Ping())
        assert session.pushed() == ["hello"]
        assert session.sent() == ["hello", Pong()]


def test_the_peers_close_is_answered():
    with testing.open(Echo) as session:
        session.close(4000, "done")
        assert session.sent() == [Close(4000, "")]
        assert session.reason == Remote(4000, "done")
        assert session.closed


def test_a_close_without_a_code_is_answered_without_one():
    with testing.open(Echo) as session:
        session.close(None)
        assert (session.code, session.detail) == (1005, "")
        assert session.reason == Remote(1005)


def test_tcp_may_be_lost():
    with testing.open(Echo) as session:
        session.lose()
        assert session.code == 1006
        assert session.reason == Remote(1006)
        assert session.closed


def test_the_peer_may_end_without_a_close():
    with testing.open(Echo) as session:
        session.end()
        assert session.reason == Remote(1006)


def test_bytes_may_be_anything():
    with testing.open(Echo) as session:
        session.receive_bytes(frame(1, b"good") + frame(1, b"bad", masked=False))
        assert session.pushed() == ["good"]
        assert session.code == 1002
        assert "RFC 6455 §5.1" in session.detail
        assert isinstance(session.reason, Failed)
        assert isinstance(session.reason.error, ProtocolError)


def test_a_blocked_peer_takes_nothing_and_holds_the_connection():
    with testing.open(Echo, options=Options(max_send_buffer=1000)) as session:
        session.block()
        session.receive("x" * 2000)
        session.receive("more")
        assert session.pushed() == []
        assert session.unsent > 2000
        assert session.unread > 0
        session.unblock()
        assert session.pushed() == ["x" * 2000, "more"]
        assert (session.unsent, session.unread) == (0, 0)


def test_a_peer_that_takes_nothing_is_too_slow():
    with testing.open(Echo, options=Options(send_timeout=5)) as session:
        session.block()
        session.receive("hello")
        session.advance(6)
        assert session.reason == Failed(session.reason.error)
        assert isinstance(session.reason.error, PeerTooSlow)


# Time.


def test_a_silent_peer_times_out():
    with testing.open(Echo) as session:
        session.advance(59)
        assert session.sent() == [Ping(), Ping()]
        assert session.reason is None
        session.advance(1)
        assert (session.reason, session.code) == (TimedOut(), 3008)


def test_a_peer_with_pongs_stays():
    with testing.open(Echo, pongs=True) as session:
        session.advance(3600)
        assert session.reason is None


def test_no_time_passes_by_itself():
    class Later(Sock):
        async def handle_in(self, message):
            await asyncio.sleep(10)
            return message

    with testing.open(Later) as session:
        session.receive("hello")
        assert session.pushed() == []
        session.advance(9.9)
        assert session.pushed() == []
        session.advance(0.1)
        assert session.pushed() == ["hello"]


def test_threads_are_waited_for():
    class Blocking(Sock):
        async def handle_in(self, message):
            return await asyncio.to_thread(message.upper)

    with testing.open(Blocking) as session:
        session.receive("hello")
        assert session.pushed() == ["HELLO"]


# The program.


def test_infos_arrive():
    with testing.open(Echo) as session:
        session.info("hello")
        session.ref.send("again")
        assert session.pushed() == ["hello", "again"]


def test_sessions_that_are_open_together_share_a_loop():
    rooms = {}
    app = partial(Chat, rooms=rooms)
    with testing.open(app, "/rooms/7?name=ada") as ada:
        with testing.open(app, "/rooms/7?name=bob") as bob:
            ada.receive("hello")
            assert ada.pushed() == bob.pushed() == ["ada: hello"]
        ada.receive("anyone?")
        assert ada.pushed() == ["ada: anyone?"]
    assert rooms == {"/rooms/7": []}


def test_one_session_leaves_while_the_other_lives_and_time_stands_still():
    with testing.open(Echo) as one:
        with testing.open(Waits) as other:
            other.receive("work")
        assert not other.closed
        one.advance(10)
        assert other.closed
        assert other.handler.ended == Remote(1001)


def test_a_coroutine_of_the_program_runs_on_the_same_loop():
    async def broadcast(refs):
        for ref in refs:
            ref.send("news")
        return len(refs)

    with testing.open(Echo) as session:
        assert session.run(broadcast([session.ref])) == 1
        assert session.pushed() == ["news"]


def test_the_mailbox_may_overflow():
    with testing.open(Waits, options=Options(max_mailbox=1)) as session:
        session.receive("work")
        session.info("one")
        session.info("two")
        assert session.code == 1013
        session.handler.released.set()
        assert isinstance(session.reason, Failed)
        assert isinstance(session.reason.error, MailboxFull)


def test_a_shutdown_lets_work_finish():
    with testing.open(Waits) as session:
        session.receive("work")
        session.shutdown(5)
        assert session.code is None
        session.handler.released.set()
        assert session.pushed() == ["work"]
        assert (session.code, session.reason) == (1012, Shutdown())


def test_a_shutdown_has_a_bound():
    with testing.open(Waits) as session:
        session.receive("work")
        session.shutdown(5)
        session.advance(5)
        assert (session.code, session.reason) == (1012, Shutdown())
        assert session.handler.finished == []


# How it ends.


def test_a_stop_ends_it():
    class Stops(Sock):
        def handle_in(self, message):
            return Stop(4000, "enough", messages="last words")

    with testing.open(Stops) as session:
        session.receive("hello")
        assert session.pushed() == ["last words"]
        assert (session.code, session.detail, session.reason) == (4000, "enough", Normal())
        assert session.closed
        session.receive("too late")
        assert session.pushed() == []


def test_leaving_closes_as_a_browser_does():
    with testing.open(Waits) as session:
        pass
    assert session.handler.ended == Remote(1001)
    assert session.closed


def test_leaving_sees_a_callback_to_its_end():
    with testing.open(Waits) as session:
        session.receive("work")
    assert session.handler.ended == Remote(1001)


def test_leaving_a_blocked_session_loses_it():
    with testing.open(Waits) as session:
        session.block()
    assert session.handler.ended == Remote(1006)


def test_a_handler_that_fails_fails_its_test():
    with pytest.raises(LookupError, match="hello"), testing.open(Fails) as session:
        session.receive("hello")


def test_a_failure_that_is_looked_at_is_expected():
    with testing.open(Fails) as session:
        session.receive("hello")
        assert isinstance(session.error, LookupError)
    with testing.open(Fails) as session:
        session.receive("hello")
        assert session.reason == Failed(session.reason.error)
        assert (session.code, session.detail) == (1011, "")


def test_a_failure_is_told_beside_the_one_of_the_test():
    with pytest.raises(AssertionError) as caught, testing.open(Fails) as session:
        session.receive("hello")
        assert session.pushed() == ["hello"]
    assert "LookupError: hello" in caught.value.__notes__[0]


def test_a_failing_terminate_fails_its_test():
    class EndsBadly(Sock):
        def terminate(self, reason):
            raise LookupError("at the end")

    with pytest.raises(LookupError, match="at the end"), testing.open(EndsBadly):
        pass


def test_a_broken_handler_is_a_handler_error():
    class Broken(Sock):
        def handle_in(self, message):
            return {}

    with testing.open(Broken) as session:
        session.receive("hello")
        assert isinstance(session.error, HandlerError)


def test_the_peers_fault_is_no_failure():
    with testing.open(Sock) as session:
        session.receive("nobody takes this")
        assert session.code == 1003


# The handshake.


def test_the_application_may_refuse():
    def app(request):
        raise Refuse(401, "who are you?")

    with testing.open(app) as session:
        assert (session.response.status, session.response.body) == (401, "who are you?")
        assert session.closed
        with pytest.raises(RuntimeError, match="no connection: the answer was Response"):
            session.receive("hello")


def test_the_application_may_answer_later_and_with_a_response():
    async def app(request):
        await asyncio.sleep(0)
        return Response(200, request.path)

    with testing.open(app, testing.request("/page", upgrade=False)) as session:
        assert session.response.body == "/page"


def test_another_sites_page_is_refused():
    with testing.open(Echo, headers={"Origin": "https://evil.example"}) as session:
        assert session.response.status == 403


def test_a_sock_for_an_ordinary_request_is_a_426():
    with testing.open(Echo, testing.request(upgrade=False)) as session:
        assert session.response.status == 426


class Made(Sock):
    """Notes each request that a handler is made for."""

    made = []

    def __init__(self, request):
        self.made.append(request)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (testing.request(upgrade=False), 426),
        (testing.request(headers={"Origin": "https://evil.example"}), 403),
        (testing.request(headers={"Sec-WebSocket-Version": "12"}), 426),
        (testing.request(headers={"Sec-WebSocket-Key": "short"}), 400),
    ],
)
@pytest.mark.parametrize("app", [Made, partial(Made)])
def test_no_handler_is_made_for_what_every_host_refuses(request_, status, app, events):
    """[S1.5] [S14.1] [S14.2]"""
    Made.made.clear()
    with testing.open(app, request_) as session:
        assert session.response.status == status
    assert Made.made == []
    told = [(name, fields["status"]) for name, fields in events]
    assert told == [("handshake.refused", status)]


def test_another_sites_page_is_let_in_by_the_options_of_the_host():
    origin = "https://friend.example"
    with testing.open(
        Made, headers={"Origin": origin}, options=Options(origins=[origin])
    ) as session:
        assert isinstance(session.handler, Made)


def test_an_application_that_raises_fails_its_test():
    def app(request):
        raise LookupError("nothing there")

    with pytest.raises(LookupError), testing.open(app):
        pass


def test_an_application_that_answers_nothing_fails_its_test():
    with pytest.raises(HandlerError, match="answered with None"), testing.open(lambda _: None):
        pass


def test_an_application_that_answers_with_a_class_is_told_what_was_meant():
    with (
        pytest.raises(HandlerError, match=r"the class Echo: did you mean Echo\(request\)\?$"),
        testing.open(lambda _: Echo),
    ):
        pass


def test_the_upgrade_has_options_a_subprotocol_and_headers():
    def app(request):
        options = Options(idle_timeout=5, ping_interval=None)
        return Upgrade(Echo(request), subprotocol="v1", headers={"X-A": "b"}, options=options)

    with testing.open(app, subprotocols=["v2", "v1"]) as session:
        assert session.head["Sec-WebSocket-Protocol"] == "v1"
        assert session.head["X-A"] == "b"
        session.advance(5)
        assert session.reason == TimedOut()


def test_compression_is_spoken_when_both_want_it():
    options = Options(compression=True)
    with testing.open(Echo, compression=True, options=options) as session:
        assert "permessage-deflate" in session.head["Sec-WebSocket-Extensions"]
        session.receive("x" * 10_000)
        assert session.pushed() == ["x" * 10_000]


def test_init_pushes_before_anything_is_received():
    class Greets(Sock):
        def init(self, ref):
            return "welcome"

    with testing.open(Greets) as session:
        assert session.pushed() == ["welcome"]


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session.advance(1),
        lambda session: session.receive("hello"),
        lambda session: session.close(),
        lambda session: session.info("hello"),
        lambda session: session.run(asyncio.sleep(0)),  # nor is it left without an await
        lambda session: session.pushed(),
        lambda session: session.sent(),
        lambda session: session.handler,
        lambda session: session.head,
        lambda session: session.reason,
        lambda session: session.error,
        lambda session: session.closed,
    ],
)
def test_a_session_is_opened_by_with(use):
    session = testing.open(Echo)
    with pytest.raises(RuntimeError, match=r"use it in a with statement, `with testing\.open"):
        use(session)
    assert repr(session) == "<Session not open />"
    gc.collect()  # a coroutine that was never awaited would warn, and a warning is an error


def test_nothing_is_left_behind():
    with testing.open(Echo):
        pass
    gc.collect()  # a loop or socket that was not closed would warn, and a warning is an error
