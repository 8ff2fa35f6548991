"""The TLS pipe: a test for each row of its table, and for what is between the rows.

The pipe below is one of the test's own, so that the order of calls is the test's; the peer is
OpenSSL. `tests/server/test_server_tls.py` has both reactors, sockets and real clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import pytest

from sock.loop import Reactor
from sock.loop import tls as module
from sock.loop.agreed_tls import ServerSideTLS
from sock.loop.shared_tls import SharedTLS
from sock.loop.tls import TLSPipe
from tests.authority import authority as authority
from tests.authority import localhost as localhost
from tests.loop.receiver import Receiver
from tests.state_table import rows_without_a_test

PLAIN_ANSWER = b"TLS, please"
KEPT = 64 * 1024


class Lower:
    """A pipe that notes what it is told; `takes` says whether the kernel takes bytes."""

    client = ("192.0.2.1", 50000)
    server = ("192.0.2.2", 443)
    tls = None

    def __init__(self):
        self.receiver = None
        self.calls = []
        self.written = []
        self.pending = 0
        self.taken = 0
        self.takes = True

    def write(self, data):
        self.calls.append("write")
        self.written.append(bytes(data))
        if self.takes:
            self.taken += len(data)
        else:
            self.pending += len(data)

    def pause(self, dead_after=None):
        self.calls.append("pause")

    def resume(self):
        self.calls.append("resume")

    def finish(self):
        self.calls.append("finish")

    def close(self):
        self.calls.append("close")

    def abort(self):
        self.calls.append("abort")


class Ends:
    """Both ends of one connection: our pipe with what is below and above it, and the peer."""

    def __init__(self, shared, client_context):
        self.shared = shared
        self.lower = Lower()
        self.receiver = Receiver()
        self.pipe = TLSPipe(shared, self.lower)
        self.pipe.receiver = self.receiver
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.peer = client_context.wrap_bio(self._in, self._out, server_hostname="localhost")

    def bytes_of_peer(self):
        """Return what the peer has to send."""
        return self._out.read()

    def bytes_for_peer(self):
        """Give the peer all that was sent to it."""
        for data in self.lower.written:
            self._in.write(data)
        self.lower.written.clear()

    def say_hello(self):
        """Return the peer's first bytes."""
        with pytest.raises(ssl.SSLWantReadError):
            self.peer.do_handshake()
        return self.bytes_of_peer()

    async def open(self):
        """Complete the handshake."""
        self.pipe.received(self.say_hello())
        await turns()
        while not self.peer.cipher() or self.pipe.tls is None:
            self.bytes_for_peer()
            with contextlib.suppress(ssl.SSLWantReadError):  # TLS 1.2 has one flight more
                self.peer.do_handshake()
            if flight := self.bytes_of_peer():
                self.pipe.received(flight)
                await turns()
        self.bytes_for_peer()
        self.peer.do_handshake()
        self.lower.calls.clear()
        assert self.pipe.tls is not None
        return self

    def send(self, data):
        self.peer.write(data)
        self.pipe.received(self.bytes_of_peer())

    def heard(self):
        """Return what the peer can read; None for our close_notify."""
        self.bytes_for_peer()
        data = b""
        try:
            while piece := self.peer.read(1 << 20):
                data += piece
        except ssl.SSLWantReadError:
            return data
        except ssl.SSLZeroReturnError:
            pass
        return data or None

    def says_goodbye(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.peer.unwrap()
        self.pipe.received(self.bytes_of_peer())


async def turns():
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.fixture
def ends(run_async, localhost, authority):
    """Run a test as a coroutine function, with a function that makes connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = ServerSideTLS
    context.load_cert_chain(*localhost)

    def run(test):
        async def act():
            shared = SharedTLS(
                Reactor.of(asyncio.get_running_loop()),
                lambda incoming, outgoing: context.wrap_bio(incoming, outgoing, server_side=True),
                PLAIN_ANSWER,
            )

            def make(version=ssl.TLSVersion.TLSv1_3):
                client = authority.client()
                client.maximum_version = version
                return Ends(shared, client)

            await test(make)
            # The memory is shared, so nothing of one connection may stay in it.
            assert (shared.incoming.pending, shared.outgoing.pending) == (0, 0)

        run_async(act())

    return run


def test_each_row_of_the_table_has_a_test_of_its_name():
    assert rows_without_a_test(module, globals()) == []


def test_handshaking_bytes_the_first_is_tls_kept_a_step_of_the_handshake_waits(ends):
    @ends
    async def _(make):
        end = make()
        end.pipe.received(end.say_hello())
        assert end.lower.calls == []
        await turns()
        assert end.lower.calls == ["write"]


def test_handshaking_bytes_the_first_is_not_tls_answered_in_plain_text_then_fin(ends, events):
    @ends
    async def _(make):
        end = make()
        end.pipe.received(b"GET / HTTP/1.1\r\n")
        assert end.lower.written == [PLAIN_ANSWER]
        assert end.lower.calls == ["write", "finish"]
        assert end.receiver.events == ["ended"]
        end.pipe.received(b"Host: localhost\r\n\r\n")
        end.pipe.ended()
        assert end.lower.calls == ["write", "finish", "close"]
        assert events == [
            ("tls.failed", {"client": Lower.client, "detail": "it does not speak TLS"})
        ]


def test_handshaking_many_bytes_before_the_step_reading_pauses_until_the_step(ends):
    @ends
    async def _(make):
        end = make()
        hello = end.say_hello()
        end.pipe.received(hello)
        end.pipe.received(bytes(KEPT - len(hello)))
        assert end.lower.calls == []
        end.pipe.received(b"more")
        assert end.lower.calls == ["pause"]


def test_handshaking_the_step_needs_more_bytes_our_part_is_sent(ends):
    @ends
    async def _(make):
        end = make()
        hello = end.say_hello()
        for byte in hello[:-1]:
            end.pipe.received(bytes([byte]))
            await turns()
        assert end.lower.calls == []
        end.pipe.received(hello[-1:])
        await turns()
        assert end.lower.calls == ["write"]
        end.bytes_for_peer()
        end.peer.do_handshake()  # it is complete, for the peer


def test_handshaking_the_step_completes_it_our_part_is_sent_the_rest_is_read(ends):
    @ends
    async def _(make):
        end = make()
        end.pipe.received(end.say_hello())
        await turns()
        end.bytes_for_peer()
        end.peer.do_handshake()
        end.peer.write(b"early")
        end.pipe.received(end.bytes_of_peer())
        assert end.receiver.events == []
        await turns()
        assert end.receiver.events == [b"early"]
        assert end.lower.calls == ["write", "write"]  # the second has the session tickets


def test_handshaking_the_step_fails_our_alert_is_sent_then_fin(ends, events):
    @ends
    async def _(make):
        end = make()
        hello = end.say_hello()
        end.pipe.received(hello[:5] + b"\xff" + hello[6:])  # no such message of a handshake
        await turns()
        assert end.lower.calls == ["write", "finish"]
        assert end.lower.written[0][0] == 0x15  # an alert
        assert end.receiver.events == ["ended"]
        ((event, fields),) = events
        assert event == "tls.failed"
        assert fields["detail"].startswith("the handshake failed: ")


@pytest.mark.parametrize("how", ["ended", "close", "finish"])
def test_handshaking_fin_close_or_finish_tcp_is_closed(ends, how):
    @ends
    async def _(make):
        silent, halfway = make(), make()
        getattr(silent.pipe, how)()
        assert silent.lower.calls == ["close"]
        halfway.pipe.received(halfway.say_hello()[:50])
        getattr(halfway.pipe, how)()
        await turns()
        assert halfway.lower.calls == ["close"]


def test_open_bytes_decrypted_and_given_on_in_one_call(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.peer.write(b"one, ")
        end.peer.write(b"two, ")
        end.peer.write(b"three")
        data = end.bytes_of_peer()
        end.pipe.received(data[:-7])
        end.pipe.received(data[-7:])
        assert end.receiver.events == [b"one, two, ", b"three"]
        assert end.lower.calls == []


def test_open_bytes_that_are_not_tls_our_alert_is_sent_then_fin(ends, events):
    @ends
    async def _(make):
        end = await make().open()
        end.peer.write(b"good")
        end.pipe.received(end.bytes_of_peer() + b"\x17\x03\x03\x00\x20" + bytes(32))
        # What came before is answered; the answer cannot be sent any more.
        assert end.receiver.events == [b"good", "ended"]
        assert end.lower.calls == ["write", "finish"]
        end.pipe.write(b"too late")
        assert end.lower.calls == ["write", "finish"]
        assert [event for event, _ in events] == ["tls.failed"]


@pytest.mark.parametrize("how", ["close_notify", "FIN"])
def test_open_close_notify_or_fin_without_the_receiver_hears_of_the_end(ends, how):
    @ends
    async def _(make):
        end = await make().open()
        if how == "close_notify":
            end.says_goodbye()
        end.pipe.ended()
        end.pipe.ended()
        assert end.receiver.events == ["ended"]
        end.pipe.write(b"an answer")
        assert end.lower.calls == ["write"]
        end.pipe.close()
        assert end.lower.calls == ["write", "write", "close"]


def test_open_write_encrypted_and_written_in_one_call(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.pipe.write(bytearray(b"answer"))
        assert end.lower.calls == ["write"]
        assert b"answer" not in end.lower.written[0]
        assert end.heard() == b"answer"


def test_open_finish_close_notify_is_sent_then_fin(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.pipe.finish()
        assert end.lower.calls == ["write", "finish"]
        assert end.heard() is None


def test_open_close_close_notify_is_sent_then_fin(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.pipe.pause()
        end.pipe.close()
        assert end.lower.calls == ["pause", "write", "finish", "resume"]
        assert end.heard() is None


def test_finished_bytes_decrypted_and_given_on_in_one_call(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.pipe.finish()
        end.send(b"still there")
        assert end.receiver.events == [b"still there"]


@pytest.mark.parametrize("how", ["close_notify", "FIN"])
def test_finished_close_notify_or_fin_without_the_receiver_hears_of_the_end(ends, how):
    @ends
    async def _(make):
        end = await make().open()
        end.pipe.finish()
        if how == "close_notify":
            end.says_goodbye()
        else:
            end.pipe.ended()
        assert end.receiver.events == ["ended"]


def test_finished_close_tcp_is_closed(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.pipe.finish()
        end.pipe.close()
        assert end.lower.calls == ["write", "finish", "close"]


def test_closing_bytes_dropped(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.pipe.close()
        end.send(b"too late")
        assert end.receiver.events == []


@pytest.mark.parametrize("how", ["FIN", "patience"])
def test_closing_fin_or_the_patience_ends_tcp_is_closed(ends, how):
    @ends
    async def _(make):
        end = await make().open()
        end.lower.takes = False
        end.pipe.close()
        # The patience begins when the peer has taken everything.
        end.lower.pending = 0
        end.pipe.drained()
        end.lower.calls.clear()
        if how == "FIN":
            end.pipe.ended()
            assert end.lower.calls == ["close"]
        else:
            while not end.lower.calls:
                await asyncio.sleep(0.05)
            assert end.lower.calls == ["abort"]


def test_any_abort_tcp_is_reset(ends):
    @ends
    async def _(make):
        for end in (make(), await make().open()):
            end.pipe.abort()
            assert end.lower.calls == ["abort"]
            end.pipe.write(b"too late")
            assert end.lower.calls == ["abort"]


def test_any_tcp_is_lost_the_receiver_is_told(ends):
    @ends
    async def _(make):
        fresh, waiting, opened, closing = make(), make(), await make().open(), await make().open()
        waiting.pipe.received(waiting.say_hello())
        closing.pipe.close()
        for end in (fresh, waiting, opened, closing):
            end.pipe.lost()
            assert end.receiver.events == ["lost"]
            end.lower.calls.clear()
            end.pipe.write(b"too late")
            end.pipe.close()
            await turns()
            assert end.lower.calls == []


# What is between the rows.


def test_a_few_steps_of_handshakes_are_taken_in_each_turn(ends):
    @ends
    async def _(make):
        storm = [make() for _ in range(10)]
        for end in storm:
            end.pipe.received(end.say_hello())
        answered = []
        for _ in range(3):
            storm[0].shared.turn()
            answered.append(sum(bool(end.lower.written) for end in storm))
        assert answered == [4, 8, 10]


def test_a_connection_that_says_nothing_costs_no_tls(ends):
    @ends
    async def _(make):
        made = []
        end = make()
        new_tls = end.shared.new_tls
        shared = SharedTLS(end.shared.reactor, lambda *bios: made.append(1) or new_tls(*bios), b"")
        pipe = TLSPipe(shared, Lower())
        assert not made
        pipe.received(end.say_hello())
        await turns()
        assert made == [1]


def test_a_fin_that_comes_behind_the_last_step_is_told_after_its_bytes(ends):
    @ends
    async def _(make):
        end = make()
        end.pipe.received(end.say_hello())
        await turns()
        end.bytes_for_peer()
        end.peer.do_handshake()
        end.peer.write(b"a whole request")
        end.pipe.received(end.bytes_of_peer())
        end.pipe.ended()
        await turns()
        assert end.receiver.events == [b"a whole request", "ended"]


def test_a_fin_in_the_middle_of_the_handshake_closes_tcp(ends):
    @ends
    async def _(make):
        end = make()
        end.pipe.received(end.say_hello()[:100])
        end.pipe.ended()
        await turns()
        assert end.lower.calls == ["close"]


@pytest.mark.parametrize("last", [1, 10, 100, 16_000])
def test_a_record_that_comes_in_two_parts_is_given_on_whole(ends, last):
    @ends
    async def _(make):
        end = await make().open()
        end.peer.write(b"x" * 16_384)
        record = end.bytes_of_peer()
        end.pipe.received(record[:-last])
        assert end.receiver.events == []
        end.pipe.received(record[-last:])
        assert end.receiver.events == [b"x" * 16_384]


@pytest.mark.parametrize("cut", [1, 4, 5, 6, 40, 90, 120, 180, 16_000])
def test_any_split_of_several_records_gives_the_same_bytes(ends, cut):
    @ends
    async def _(make):
        end = await make().open()
        pieces = [b"a", b"", b"b" * 64, b"c" * 16_384, b"d" * 40, b"e"] * 2
        for piece in pieces:
            end.peer.write(piece)
        records = end.bytes_of_peer()
        for at in range(0, len(records), cut):
            end.pipe.received(records[at : at + cut])
        end.send(b"f")
        assert b"".join(end.receiver.events) == b"".join(pieces) + b"f"


def test_what_looks_like_a_record_and_begins_within_another_one_is_none(ends):
    """Otherwise bytes would stay in the memory, and the next connection would read them."""

    @ends
    async def _(make):
        end = await make().open()
        end.send(b"first")
        sent, records, place = b"", b"", None
        while place is None:  # encrypted bytes are as good as random
            end.peer.write(b"x" * 16_384)
            sent += b"x" * 16_384
            records += end.bytes_of_peer()
            place = next(_seeming_records(records), None)
        begin, after = place
        for part in (records[:begin], records[begin:after], records[after:]):
            end.pipe.received(part)
            assert end.shared.incoming.pending == 0
        assert b"".join(end.receiver.events) == b"first" + sent


def _seeming_records(data):
    """Yield where bytes begin and end that have the form of a record longer than any."""
    at = data.find(0x17, 1)
    while 0 < at < len(data) - 5:
        after = at + 5 + int.from_bytes(data[at + 3 : at + 5])
        if at + 17_000 < after <= len(data):
            yield at, after
        at = data.find(0x17, at + 1)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_record_alone_is_read_like_those_that_come_together(ends, version, events):
    @ends
    async def _(make):
        end = await make(version).open()
        for data in (b"x", b"y" * 64, b"z" * 16_384):
            end.send(data)
        end.peer.write(b"last")
        record = end.bytes_of_peer()
        end.pipe.received(record[:9])
        end.pipe.received(record[9:])
        assert end.receiver.events == [b"x", b"y" * 64, b"z" * 16_384, b"last"]
        end.receiver.events.clear()

        closed = await make(version).open()
        closed.send(b"one")
        closed.send(b"two")
        closed.says_goodbye()
        assert closed.receiver.events == [b"one", b"two", "ended"]

        forged = await make(version).open()
        forged.send(b"one")
        forged.send(b"two")
        forged.pipe.received(b"\x17\x03\x03\x00\x20" + bytes(32))
        assert forged.receiver.events == [b"one", b"two", "ended"]
        assert forged.lower.calls == ["write", "finish"]
        assert [event for event, _ in events] == ["tls.failed"]


def test_a_large_write_leaves_in_pieces_and_arrives_whole(ends):
    @ends
    async def _(make):
        end = await make().open()
        data = bytes(range(256)) * 4096
        end.pipe.write(data)
        assert max(map(len, end.lower.written)) < 128 * 1024
        assert end.heard() == data


def test_nothing_waits_in_the_pipe_itself(ends):
    @ends
    async def _(make):
        end = await make().open()
        end.lower.takes = False
        end.pipe.write(b"waits")
        assert end.pipe.pending == end.lower.pending > 0
        assert end.pipe.taken == end.lower.taken
        end.lower.pending = 0
        end.pipe.drained()
        assert end.receiver.events == ["drained"]


def test_it_knows_the_addresses_and_what_was_agreed(ends):
    @ends
    async def _(make):
        end = make()
        assert (end.pipe.client, end.pipe.server) == (Lower.client, Lower.server)
        await end.open()
        agreed = end.pipe.tls
        end.pipe.lost()
        assert agreed.version == "TLSv1.3"
        assert agreed.cipher == end.peer.cipher()[0]
        assert end.pipe.tls is agreed  # also after the end


def test_what_two_connections_send_at_the_same_time_stays_apart(ends):
    @ends
    async def _(make):
        one, two = await make().open(), await make().open()
        one.peer.write(b"for one")
        two.peer.write(b"for two")
        first, second = one.bytes_of_peer(), two.bytes_of_peer()
        one.pipe.received(first[:10])
        two.pipe.received(second[:10])
        one.pipe.received(first[10:])
        two.pipe.received(second[10:])
        assert (one.receiver.events, two.receiver.events) == ([b"for one"], [b"for two"])


def test_a_receiver_may_write_on_another_connection_while_it_receives(ends):
    @ends
    async def _(make):
        one, two = await make().open(), await make().open()
        one.receiver.received = lambda data: (two.pipe.write(data), one.pipe.write(b"done"))
        one.send(b"forward")
        assert (one.heard(), two.heard()) == (b"done", b"forward")
