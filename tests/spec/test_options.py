import copy
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sock import Compression, Options, RateLimit
from sock.spec.options import DEFAULT, DEFAULTS, SERVER_FIELDS

SIZES = [name for name in DEFAULTS if name.startswith("max_") or name == "drain_batch"]
TIMES = [
    name
    for name in DEFAULTS
    if name.endswith(("_timeout", "_interval")) or name == "handshake_rate_per_ip"
]
again = pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))],  # noqa: S301 - our own
    ids=["copy", "deepcopy", "pickle"],
)


def test_the_defaults_are_those_of_the_specification():
    options = Options()
    assert {name: getattr(options, name) for name in DEFAULTS} == {
        "max_message_size": 1024 * 1024,
        "max_fragments": 1024,
        "max_read_ahead": 64 * 1024,
        "max_mailbox": 1024,
        "max_send_buffer": 1024 * 1024,
        "send_timeout": 30,
        "idle_timeout": 60,
        "ping_interval": 20,
        "close_timeout": 10,
        "rate_limit": None,
        "compression": None,
        "origins": (),
        "handshake_timeout": 10,
        "max_head_size": 16 * 1024,
        "max_body_size": 1024 * 1024,
        "max_connections": None,
        "drain_timeout": 30,
        "max_connections_per_ip": None,
        "handshake_rate_per_ip": None,
        "drain_batch": 1000,
        "drain_interval": 0.1,
    }


def test_every_field_is_a_size_or_a_time_or_one_of_three_others():
    assert {*SIZES, *TIMES, "compression", "origins", "rate_limit"} == set(DEFAULTS)
    assert set(DEFAULTS) > SERVER_FIELDS


def test_only_what_is_given_is_set():
    assert Options().given == frozenset()
    assert Options(max_mailbox=8, idle_timeout=None).given == {"max_mailbox", "idle_timeout"}
    assert Options(max_mailbox=DEFAULT).given == frozenset()


def test_what_is_given_is_laid_over_the_base():
    over = Options(max_mailbox=8, idle_timeout=None).over(Options(max_mailbox=9, max_fragments=7))
    assert (over.max_mailbox, over.idle_timeout, over.max_fragments) == (8, None, 7)
    assert over.given == {"max_mailbox", "idle_timeout", "max_fragments"}
    assert over.send_timeout == 30


def test_laying_over_changes_neither():
    upper, lower = Options(max_mailbox=8), Options(max_mailbox=9)
    upper.over(lower)
    assert (upper.max_mailbox, lower.max_mailbox) == (8, 9)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("value", [0, -1])
def test_a_size_is_more_than_nothing(name, value):
    with pytest.raises(ValueError, match=f"{name} is more than 0"):
        Options(**{name: value})


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("value", ["1024", 1.5, True])
def test_a_size_is_an_int(name, value):
    with pytest.raises(TypeError, match=f"{name} is an int, not"):
        Options(**{name: value})


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [0, -1, 0.0, math.nan, math.inf])
def test_a_time_is_more_than_nothing_and_less_than_for_ever(name, value):
    with pytest.raises(ValueError, match=f"{name} is more than 0 and finite"):
        Options(**{name: value})


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", ["10", True, False])
def test_a_time_is_in_seconds(name, value):
    unit = "handshakes a second" if "rate" in name else "in seconds"
    with pytest.raises(TypeError, match=f"{name} is {unit}, not"):
        Options(**{name: value})


@pytest.mark.parametrize("name", TIMES)
def test_a_time_may_be_less_than_a_second(name):
    assert getattr(Options(**{name: 0.5}), name) == 0.5


NEVER_NONE = {"max_read_ahead", "close_timeout", "max_head_size", "max_body_size"}


@pytest.mark.parametrize("name", sorted(NEVER_NONE))
def test_what_keeps_memory_and_the_end_bounded_cannot_be_none(name):
    with pytest.raises(ValueError, match=f"{name} cannot do without a limit"):
        Options(**{name: None})


@pytest.mark.parametrize("name", sorted({*SIZES, *TIMES} - NEVER_NONE))
def test_any_other_limit_may_be_none(name):
    assert getattr(Options(**{name: None}), name) is None


@pytest.mark.parametrize(
    ("given", "meant"),
    [(True, Compression()), (False, None), (None, None)],
)
def test_compression_is_on_or_off(given, meant):
    assert Options(compression=given).compression == meant


@pytest.mark.parametrize("value", [10, "10/s", True, {"messages": 10}], ids=repr)
def test_a_rate_limit_is_a_rate_limit(value):
    assert Options(rate_limit=RateLimit(messages=1)).rate_limit == RateLimit(messages=1)
    with pytest.raises(TypeError, match=r"^rate_limit is a RateLimit, not "):
        Options(rate_limit=value)


def test_compression_says_how():
    compression = Compression(window=15, memory_level=9, threshold=0, takeover=False)
    assert Options(compression=compression).compression is compression


@pytest.mark.parametrize("value", ["yes", 1, 15, {}])
def test_compression_that_says_neither_is_refused(value):
    with pytest.raises(TypeError, match="compression is a bool or a Compression, not"):
        Options(compression=value)


@pytest.mark.parametrize(
    ("field", "low", "high"), [("window", 9, 15), ("memory_level", 1, 9), ("threshold", 0, None)]
)
def test_compression_ends_where_zlib_does(field, low, high):
    # RFC 7692 §7.1.2 has windows from 8 bits on; zlib makes a raw stream from 9 on.
    Compression(**{field: low})
    with pytest.raises(ValueError, match=f"{field} is .*{low}.*, not {low - 1}"):
        Compression(**{field: low - 1})
    if high is not None:
        Compression(**{field: high})
        with pytest.raises(ValueError, match=f"{field} is {low} to {high}, not {high + 1}"):
            Compression(**{field: high + 1})


@pytest.mark.parametrize("field", ["window", "memory_level", "threshold"])
@pytest.mark.parametrize("value", [9.5, "9", True, None])
def test_compression_is_made_of_ints(field, value):
    with pytest.raises(TypeError, match=f"{field} is an int, not"):
        Compression(**{field: value})


def is_a(origin, request):
    return origin == "https://a.example"


class Unhashable:
    """A function that is equal to others of its kind, and so has no hash."""

    def __call__(self, origin, request):
        return True

    def __eq__(self, other):
        return isinstance(other, Unhashable)

    __hash__ = None


@pytest.mark.parametrize(
    ("origins", "kept"),
    [
        ("https://a.example", ("https://a.example",)),
        (iter(["https://a.example", "null"]), ("https://a.example", "null")),
        ((), ()),
        (is_a, (is_a,)),
        (["https://a.example", is_a], ("https://a.example", is_a)),
    ],
)
def test_origins_are_one_or_several_and_kept_in_their_order(origins, kept):
    assert Options(origins=origins).origins == kept


def test_an_origin_that_no_browser_sends_is_refused():
    with pytest.raises(ValueError, match="is not an origin"):
        Options(origins=["https://a.example", "b.example"])


def test_options_with_a_function_among_the_origins_are_compared_and_hashed_and_shown():
    options = Options(origins=["null", is_a])
    assert options == Options(origins=("null", is_a))
    assert options != Options(origins="null")
    assert hash(options) == hash(Options(origins=("null", is_a)))
    assert repr(options) == f"Options(origins=('null', {is_a!r}))"
    assert len({Options(origins=Unhashable()), Options(origins=Unhashable())}) == 1


@pytest.mark.parametrize("ping_interval", [10, 11.5])
def test_a_ping_that_would_come_too_late_is_refused(ping_interval):
    with pytest.raises(ValueError, match="no ping would go out"):
        Options(idle_timeout=10, ping_interval=ping_interval)


def test_pings_may_be_switched_off():
    options = Options(idle_timeout=10, ping_interval=None)
    assert (options.idle_timeout, options.ping_interval) == (10, None)


def test_the_idle_timeout_may_be_switched_off():
    options = Options(idle_timeout=None, ping_interval=90)
    assert (options.idle_timeout, options.ping_interval) == (None, 90)
    assert Options(idle_timeout=None).ping_interval == 20


@pytest.mark.parametrize(
    ("idle_timeout", "ping_interval"), [(9, 3), (30, 10), (60, 20), (600, 20), (None, 20)]
)
def test_pings_keep_up_with_a_shorter_idle_timeout(idle_timeout, ping_interval):
    assert Options(idle_timeout=idle_timeout).ping_interval == ping_interval


def test_the_bases_ping_interval_gives_way_to_an_idle_timeout_that_it_would_not_serve():
    base = Options(ping_interval=20)
    assert Options(idle_timeout=9).over(base).ping_interval == 3
    assert Options(idle_timeout=30).over(base).ping_interval == 20
    assert Options(idle_timeout=9).over(Options(ping_interval=None)).ping_interval is None


@pytest.mark.parametrize("ping_interval", [60, 70.5])
def test_a_ping_that_would_come_too_late_for_the_default_is_refused(ping_interval):
    """[S13.4]"""
    with pytest.raises(ValueError, match=r"idle_timeout 60.*, its default: no ping would go out"):
        Options(ping_interval=ping_interval)


def test_a_ping_interval_that_is_laid_over_gives_way_to_an_idle_timeout_that_it_would_not_serve():
    """[S17.1]"""
    over = Options(ping_interval=25).over(Options(idle_timeout=21))
    assert (over.idle_timeout, over.ping_interval) == (21, 7)
    assert over.over(Options(ping_interval=50)).ping_interval == 7
    over = Options(ping_interval=20).over(Options(idle_timeout=21))
    assert (over.idle_timeout, over.ping_interval) == (21, 20)
    over = Options(idle_timeout=90, ping_interval=70).over(Options(idle_timeout=21))
    assert (over.idle_timeout, over.ping_interval) == (90, 70)


_TWO = ("idle_timeout", "ping_interval")
seconds = st.none() | st.floats(min_value=0.1, max_value=600)


@st.composite
def limits(draw):
    """Options that were accepted when they were made, of the two times."""
    given = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(_TWO, seconds)))
    try:
        return Options(**given)
    except ValueError:
        return Options(**given | {"ping_interval": None})


@given(st.lists(limits(), min_size=1, max_size=4))
def test_no_options_cut_a_healthy_peer_however_they_are_laid_over_each_other(layers):
    """[S17.1]"""
    options = layers[0]
    for layer in layers[1:]:
        options = layer.over(options)
    assert options.ping_interval is None or (
        options.idle_timeout is None or options.ping_interval < options.idle_timeout
    )


@pytest.mark.parametrize(
    ("max_message_size", "max_fragments"),
    [(1, 1024), (1024 * 1024, 1024), (1024 * 1024 + 1, 1025), (64 << 20, 65536), (None, None)],
)
def test_a_larger_message_may_have_more_fragments(max_message_size, max_fragments):
    """[S17.1]"""
    assert Options(max_message_size=max_message_size).max_fragments == max_fragments


def test_fragments_grow_with_the_message_that_is_laid_over_unless_their_number_is_given():
    larger = Options(max_message_size=64 << 20)
    assert larger.over(Options(idle_timeout=5)).max_fragments == 65536
    assert Options(idle_timeout=5).over(larger).max_fragments == 65536
    assert Options(max_message_size=1).over(larger).max_fragments == 1024
    assert larger.over(Options(max_fragments=7)).max_fragments == 7
    assert Options(max_message_size=64 << 20, max_fragments=1024).max_fragments == 1024
    assert Options(max_message_size=None, max_fragments=8).max_fragments == 8


def test_options_are_compared_by_what_is_given():
    assert Options(max_mailbox=8) == Options(max_mailbox=8)
    assert Options(max_mailbox=8) != Options(max_mailbox=9)
    assert Options() != Options(max_mailbox=1024)
    assert Options() != 7
    assert len({Options(max_mailbox=8), Options(max_mailbox=8), Options()}) == 2


def test_options_are_not_changed():
    options = Options(max_mailbox=8)
    with pytest.raises(AttributeError, match=r"Options\(max_mailbox=…\)\.over\(base\)"):
        options.max_mailbox = 9
    with pytest.raises(AttributeError, match="max_mailbox cannot be deleted"):
        del options.max_mailbox
    assert options.max_mailbox == 8


@again
def test_options_can_be_copied_and_pickled(again):
    options = Options(ping_interval=90, idle_timeout=None).over(
        Options(compression=Compression(window=15), origins=["null", is_a])
    )
    assert again(options) == options
    assert hash(again(options)) == hash(options)
    assert again(options).compression == Compression(window=15)
    assert again(options).max_mailbox == 1024


def test_options_show_what_is_given():
    assert repr(Options()) == "Options()"
    assert repr(Options(origins="*", max_mailbox=8)) == "Options(max_mailbox=8, origins=('*',))"
    assert repr(DEFAULT) == "DEFAULT"


def test_an_option_that_there_is_not_is_refused():
    with pytest.raises(TypeError, match="max_size"):
        Options(max_size=10)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("value", [2**63, 2**64, 10**30, 10**400])
def test_a_size_that_no_machine_has_counts_as_4_eib(name, value):
    assert getattr(Options(**{name: value}), name) == 2**62


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [2**64, 10**400])
def test_a_time_in_an_int_that_no_float_holds_is_taken(name, value):
    ends = {"idle_timeout": None} if name == "ping_interval" else {}
    assert getattr(Options(**{name: value}, **ends), name) == 2**62


def test_a_size_is_kept_as_an_int_of_its_own():
    class Lies(int):
        def __le__(self, other):
            return True

        __lt__ = __gt__ = __ge__ = __le__

        def __int__(self):
            return -1

    assert type(Options(max_mailbox=Lies(5)).max_mailbox) is int
    assert Options(max_mailbox=Lies(5)).max_mailbox == 5
