"""Whatever happens in whatever order, the twelve rules hold.

`Connection` and `VirtualHost` note what breaks a rule at any time: a callback within another or
while one is under way (rule 3), init not first (rule 1), terminate not last or twice (rule 8),
anything said after Close (rule 9). The rest is looked at here.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sock import Ping, ProtocolError, Stop, Stream
from sock.engine import Phase, Role, cause
from sock.engine.mailbox import ENTRY_OVERHEAD

READ_AHEAD = 5 * ENTRY_OVERHEAD
MAILBOX = 3
SEND_BUFFER = 15
CLOSE_TIMEOUT = 3
SIZE = 20  # bytes of a message, about

WORK = ["nothing", "text", "list", "waits", "promise", "generator", "stream", "sends", "cancels"]
ENDS = ["stop", "stop later", "yield stop", "raise", "wrong", "drain", "stubborn"]
work = st.sampled_from(3 * WORK + ENDS)


class AnyOrder(RuleBasedStateMachine):
    """One connection, to which things happen."""

    def __init__(self, new_connection, gate_type):
        super().__init__()
        self.new_connection = new_connection
        self.gate_type = gate_type
        self.gates = []
        self.streams = []
        self.arrived = []
        self.count = 0
        self.final = None

    # What a handler does with what it is told: the telling says.

    def act(self, told):
        number, what = told if isinstance(told, tuple) else (0, "nothing")
        text = f"{number}".zfill(SIZE)
        match what:
            case "text":
                return text
            case "list":
                return [text, Ping(), b"x" * SIZE]
            case "waits":
                return self.later(text)
            case "promise":
                return self.at_once(text)
            case "generator":
                return self.items(text, text)
            case "stream":
                self.streams.append(Stream(self.items(text, text)))
                return self.streams[-1]
            case "sends":
                self.post("text")
            case "cancels":
                for stream in self.streams:
                    stream.cancel()
            case "stop":
                return Stop(4000, messages=text)
            case "stop later":
                return self.later(Stop(4000, messages=[text]))
            case "yield stop":
                return Stream(self.items(text, Stop(4000)))
            case "raise":
                raise OSError(text)
            case "wrong":
                return [text, 7]
            case "drain":
                self.c.life.shutdown(1)
            case "stubborn":
                return self.stubborn()
        return None

    def gate(self):
        self.gates.append(self.gate_type())
        return self.gates[-1]

    async def later(self, result):
        await self.gate()
        return result

    async def at_once(self, result):
        return result

    async def stubborn(self):
        try:
            await self.gate()
        except BaseException:
            await self.gate()

    async def items(self, *items):
        for item in items:
            yield item
            await self.gate()

    # What happens.

    @initialize(
        init=work, terminate=st.sampled_from(["nothing", "waits", "raise"]), eager=st.booleans()
    )
    def open(self, init, terminate, eager):
        self.c = self.new_connection(
            init=lambda ref: self.act((0, init)),
            handle_in=lambda message: self.act(self.parsed(message)),
            handle_info=self.act,
            handle_control=lambda frame: self.act(self.parsed(frame.payload.decode())),
            terminate=lambda reason: self.act((0, terminate)),
            eager=eager,
            max_read_ahead=READ_AHEAD,
            max_mailbox=MAILBOX,
            max_send_buffer=SEND_BUFFER,
            close_timeout=CLOSE_TIMEOUT,
        )
        self.c.open()

    def parsed(self, text):
        number, what = text.split(":")
        return int(number), what.strip()

    def numbered(self, what):
        self.count += 1
        return self.count, what

    @precondition(lambda self: self.c.host.reading)
    @rule(what=work, control=st.booleans())
    def receive(self, what, control):
        number, what = self.numbered(what)
        text = f"{number}:{what}".ljust(SIZE)
        if not self.c.life.closed:
            self.arrived.append(number)
        assert self.c.receive(Ping(text.encode()) if control else text) is self.c.host.reading

    @rule(what=work)
    def post(self, what):
        info = self.numbered(what)
        waiting = self.infos_waiting()
        closed = self.c.life.closed
        self.c.life.post(info)
        if not closed and not self.c.life.closed:
            self.arrived.append(info[0])
        assert self.c.life.closed is (closed or waiting == MAILBOX)
        self.infos = getattr(self, "infos", set()) | {info[0]}

    @rule()
    def turn(self):
        self.c.host.turn()

    @precondition(lambda self: any(gate.waiting for gate in self.gates))
    @rule(data=st.data(), fails=st.sampled_from([False] * 6 + [True]))
    def settle(self, data, fails):
        gate = data.draw(st.sampled_from([gate for gate in self.gates if gate.waiting]))
        if fails:
            gate.fail(OSError("failed"))
        else:
            gate.open()

    @precondition(lambda self: self.c.host.taking)
    @rule()
    def peer_lags(self):
        self.c.host.taking = False

    @precondition(lambda self: not self.c.host.taking)
    @rule()
    def peer_takes_all(self):
        self.c.host.take_all()

    @rule(what=st.sampled_from(["promise", "waits", "stubborn"]))
    def spawn(self, what):
        if not self.c.host.ended:
            self.c.host.spawn(self.act((0, what)))

    @precondition(lambda self: self.count > 3)
    @rule(
        end=st.sampled_from(
            [
                lambda life: life.peer_closed(1001, "", 1001),
                lambda life: life.lost(),
                lambda life: life.timed_out(),
                lambda life: life.too_slow(),
                lambda life: life.violated(ProtocolError("bad frame")),
                lambda life: life.shutdown(1),
            ]
        )
    )
    def end(self, end):
        end(self.c.life)
        assert self.c.life.closed

    @precondition(lambda self: self.c.host.bound is not None)
    @rule()
    def bound_passes(self):
        self.c.alarm()

    # What holds at any time.

    def infos_waiting(self):
        infos = getattr(self, "infos", set())
        return len([n for n in self.arrived[len(self.handled()) :] if n in infos])

    def handled(self):
        return [
            self.parsed(value.payload.decode() if isinstance(value, Ping) else value)[0]
            if isinstance(value, (str, Ping))
            else value[0]
            for name, value in self.c.told
            if name not in {"init", "terminate"}
        ]

    @invariant()
    def no_rule_is_broken(self):
        assert self.c.host.broken == []

    @invariant()
    def what_is_handled_is_what_arrived_in_the_order_of_arrival(self):
        """Rules 3 and 10."""
        handled = self.handled()
        assert handled == self.arrived[: len(handled)]

    @invariant()
    def memory_is_bounded(self):
        """Rule 11."""
        assert self.c.life.mailbox.ahead < READ_AHEAD + ENTRY_OVERHEAD + 2 * SIZE
        assert self.infos_waiting() <= MAILBOX

    @invariant()
    def the_host_reads_if_it_may(self):
        """Rules 7 and 11."""
        life = self.c.life
        if life.closed:
            may = life.cause is cause.SHUTDOWN and not life.peer_gone and not life.outbox.full
        else:
            may = not life.outbox.full and life.mailbox.ahead < READ_AHEAD
        assert self.c.host.reading is may is life.reading

    @invariant()
    def the_fast_path_is_for_an_idle_connection(self):
        """Rules 3 and 11."""
        life = self.c.life
        if life.ready:
            assert life.phase is Phase.LIVE
            assert not life.busy
            assert not life.mailbox
            assert not life.outbox.full

    @invariant()
    def nothing_waits_without_a_cause(self):
        """Rules 7 and 11: what waits is for a callback, for the peer or for the next turn."""
        life = self.c.life
        if life.mailbox:
            assert life.busy or (life.outbox.full and not life.peer_gone) or self.c.host.woken

    @invariant()
    def nothing_runs_on_for_a_peer_that_has_gone(self):
        """Rules 4 and 7."""
        ending = self.c.life.phase not in {Phase.MADE, Phase.LIVE, Phase.FINISHING}
        for job in [work.job for work in self.c.host.under_way]:
            unwanted = ending or (self.c.life.peer_gone and job.iterator is not None)
            assert job.cancelled or not unwanted or job.role is Role.TERMINATE

    @invariant()
    def the_first_cause_that_was_said_stays(self):
        """Rule 8: one reason for each end."""
        life = self.c.life
        if self.final is None and life.peer_gone:
            self.final = life.cause
        if life.peer_gone:
            assert life.cause is self.final
        assert self.c.reasons in ([], [self.final and self.final.reason])

    @invariant()
    def the_end_is_bounded(self):
        """Rule 7: there is always a bound after which it goes on."""
        if self.c.life.closed:
            assert self.c.host.ended is (self.c.host.bound is None)

    def teardown(self):
        if not hasattr(self, "c"):
            return
        self.c.life.shutdown(1)
        for _ in range(3):  # FINISHING, ENDING, TERMINATING
            self.c.host.settle_down()
            if not self.c.host.ended:
                self.c.alarm()
        assert self.c.host.ended
        assert self.c.calls[0] == "init"
        assert self.c.calls[-1] == "terminate"
        assert self.c.host.closed in {None, *self.c.saw[-1:]}
        assert self.c.host.broken == []
        self.c.abandon()


@pytest.mark.timeout(300)
def test_the_rules_hold_in_any_order_of_events(new_connection, gate):
    run_state_machine_as_test(
        lambda: AnyOrder(new_connection, type(gate)),
        settings=settings(max_examples=150, stateful_step_count=40, deadline=None),
    )
