"""Compiled and pure agree on every byte, callback and error (invariant 14).

The same scenario is played by two processes, one with the compiled core and one without, each on a
real socket pair: bytes in any split, whatever a handler answers, infos, ends.
"""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sock import Ping, Pong, Prepared, Text
from sock.wire.mask import unmask

EXAMPLES = int(os.environ.get("SOCK_EXAMPLES", "200"))
"""How many scenarios are played; the build asks for 10,000."""

SCRIPT = Path(__file__).with_name("replay.py")
REPLAY = runpy.run_path(str(SCRIPT))
KEY = b"\x37\xfa\x21\x3d"


class Player:
    """A process that plays scenarios, with the compiled core or without."""

    def __init__(self, extension):
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            env={**os.environ, "SOCK_EXTENSION": extension},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.native = self.told()

    def play(self, scenario):
        REPLAY["write"](self.process.stdin, scenario)

    def told(self):
        return REPLAY["read"](self.process.stdout)

    def close(self):
        self.play(None)
        assert self.process.wait(10) == 0
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def players():
    both = [Player("1"), Player("0")]
    assert [one.native for one in both] == [True, False]
    yield both
    for one in both:
        one.close()


def agree(players, scenario):
    for one in players:
        one.play(scenario)
    compiled, pure = (one.told() for one in players)
    assert compiled == pure
    return compiled


# What a peer sends.


@st.composite
def frames(draw, first, payload):
    data = draw(payload)
    size = len(data)
    bit = 0x80 if draw(st.integers(0, 30)) else 0
    form = draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 2, 8]))  # at times in too many bytes
    if size > 125:
        form = 8 if size > 65535 or form == 8 else 2
    head = bytes([draw(first), bit | {0: size, 2: 126, 8: 127}[form]])
    if form:
        head += size.to_bytes(form, "big")
    return head + (KEY + unmask(data, KEY) if bit else data)


texts = st.one_of(
    st.text(max_size=20).map(str.encode),
    st.text("abc", max_size=200).map(str.encode),
    st.integers(0, 20_000).map(lambda size: b"x" * size),
    st.integers(0, 3000).map(lambda size: ("é" * size).encode()),
)
blobs = st.one_of(st.binary(max_size=20), st.integers(0, 70_000).map(bytes))
whole = st.one_of(frames(st.just(0x81), texts), frames(st.just(0x82), blobs))
parts = st.builds(
    lambda kind, head, middle, tail: b"".join([head, *middle, tail]),
    st.none(),
    frames(st.sampled_from([0x01, 0x02]), texts),
    st.lists(
        st.one_of(frames(st.just(0x00), texts), frames(st.sampled_from([0x89, 0x8A]), blobs)),
        max_size=3,
    ),
    frames(st.just(0x80), texts),
)
controls = frames(st.sampled_from([0x89, 0x8A]), st.binary(max_size=125))
closes = frames(
    st.just(0x88),
    st.builds(
        lambda code, detail: code.to_bytes(2, "big") + detail.encode(),
        st.sampled_from([1000, 1001, 1005, 1012, 3000, 999, 4999, 0]),
        st.text(max_size=8),
    )
    | st.binary(max_size=3),
)
announced = st.builds(  # more than ever comes, and more than is let in
    lambda head, first, size: head + bytes([first, 0xFF]) + size.to_bytes(8, "big") + KEY,
    st.sampled_from([b"", b"\x01\x81" + KEY + b"\x56"]),  # a first fragment, of one byte
    st.sampled_from([0x00, 0x80, 0x81, 0x82]),
    st.sampled_from([1 << 16, 1 << 24, 1 << 32, 1 << 61, (1 << 62) - 1, 1 << 62, (1 << 63) - 1])
    | st.integers(0, (1 << 64) - 1),
)
broken = st.one_of(
    announced,
    frames(st.integers(0, 255), st.binary(max_size=130)),
    frames(st.just(0x81), st.binary(max_size=12)),  # mostly no UTF-8
    frames(st.sampled_from([0xC1, 0xC2, 0x41]), st.binary(max_size=30)),  # compressed, it says
    st.binary(max_size=20),
)
usual = st.one_of(whole, whole, whole, whole, parts, controls)


@st.composite
def splits(draw, data):
    """Cut bytes anywhere: whole reads, single bytes, and all between."""
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=6)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return [("bytes", piece) for piece in pieces if piece]


payloads = st.one_of(
    st.text(max_size=30),
    st.binary(max_size=30),
    st.sampled_from(["y" * 126, "y" * 9000, b"z" * 65536, b"z" * 200_000, "é" * 9000]),
)
answers = st.one_of(
    st.just(("echo",)),
    st.just(("echo",)),
    st.just(("echo",)),
    st.just(("none",)),
    st.just(("list",)),
    st.tuples(st.just("list"), payloads),
    st.tuples(
        st.just("give"), payloads | st.sampled_from([b"", "", 7, {}, Text(b"t"), Ping(b"p")])
    ),
    st.tuples(st.just("prepared"), payloads),
    st.tuples(st.just("coroutine"), st.integers(0, 3)),
    st.tuples(st.just("generator"), st.integers(0, 3)),
    st.tuples(st.just("stream"), st.integers(0, 3)),
    st.tuples(st.just("self"), payloads),
    st.sampled_from([("stop",), ("stop", 4000, "bye"), ("raise",), ("surrogate",), ("close",)]),
    st.sampled_from([("raise_stop", 4001, "é", ["a", b"b"]), ("stop_self", 4002), ("rebind",)]),
)
infos = st.one_of(payloads, st.integers(), st.builds(Prepared, payloads), st.builds(Pong))


@st.composite
def scenarios(draw):
    options = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "max_message_size": st.sampled_from([10, 125, 126, 1000, 70_000, None]),
                "max_fragments": st.integers(1, 4),
                "max_read_ahead": st.sampled_from([1, 100, 10_000]),
                "max_mailbox": st.integers(1, 3),
                "max_send_buffer": st.sampled_from([1, 1000, 100_000, None]),
                "compression": st.booleans(),
            },
        )
    )
    agreement = None
    if options.get("compression"):
        agreement = draw(
            st.fixed_dictionaries(
                {
                    "server_no_context_takeover": st.booleans(),
                    "server_max_window_bits": st.sampled_from([9, 12, 15]),
                }
            )
        )
    data = b"".join(draw(st.lists(usual, max_size=12)))
    if draw(st.integers(0, 2)) == 0:
        data += draw(st.one_of(broken, closes))
        data += b"".join(draw(st.lists(usual, max_size=2)))
    early, rest = b"", data
    if draw(st.integers(0, 3)) == 0:
        cut = draw(st.integers(0, len(data)))
        early, rest = data[:cut], data[cut:]
    steps = draw(splits(rest))
    for _ in range(draw(st.integers(0, 3))):
        step = draw(
            st.tuples(st.sampled_from(["info", "send_all"]), infos)
            | st.sampled_from([("fin",), ("drain",), ("stop", 4003, "out"), ("pending",)])
        )
        steps.insert(draw(st.integers(0, len(steps))), step)
    return {
        "late": draw(st.integers(0, 4)) == 0,
        "script": draw(st.lists(answers, max_size=6)),
        "options": options,
        "agreement": agreement,
        "early": early,
        "steps": steps,
    }


@pytest.mark.timeout(1800)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(scenario=scenarios())
def test_the_same_bytes_give_the_same_callbacks_bytes_and_errors(players, scenario):
    transcript = agree(players, scenario)
    assert ("not over",) not in transcript


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 64])
def test_every_split_of_the_same_bytes_is_played_the_same(players, step):
    data = b"".join(
        [
            bytes([0x81, 0x85]) + KEY + unmask(b"hello", KEY),
            bytes([0x01, 0x82]) + KEY + unmask("é".encode(), KEY),
            bytes([0x89, 0x83]) + KEY + unmask(b"now", KEY),
            bytes([0x80, 0x81]) + KEY + unmask(b"!", KEY),
            bytes([0x82, 0xFE, 0x01, 0x00]) + KEY + unmask(bytes(256), KEY),
            bytes([0x88, 0x82]) + KEY + unmask(b"\x03\xe8", KEY),
        ]
    )
    steps = [("bytes", data[at : at + step]) for at in range(0, len(data), step)]
    scenario = {
        "script": [],
        "options": {},
        "agreement": None,
        "late": False,
        "early": b"",
        "steps": steps,
    }
    transcript = agree(players, scenario)
    told = [one for one in transcript if one[0] in {"in", "control", "terminate"}]
    assert told == [
        ("in", "hello"),
        ("control", Ping(b"now")),
        ("in", "é!"),
        ("in", bytes(256)),
        ("terminate", "Remote(code=1000, detail='')", "None"),
    ]
