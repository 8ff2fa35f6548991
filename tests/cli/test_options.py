"""The limits on the command line, and what is said where one is wrong."""

from __future__ import annotations

import pytest

from sock import Compression, Options, RateLimit
from sock.cli.options import option_declarations, option_of, variable_of
from sock.spec.options import DEFAULTS

GOOD = [
    ("--max-message-size", "4194304", Options(max_message_size=4 * 1024**2)),
    ("--max-message-size", "4MiB", Options(max_message_size=4 * 1024**2)),
    ("--max-message-size", "4 mib", Options(max_message_size=4 * 1024**2)),
    ("--max-message-size", "1.5KiB", Options(max_message_size=1536)),
    ("--max-message-size", "2GiB", Options(max_message_size=2 * 1024**3)),
    ("--max-message-size", "2kB", Options(max_message_size=2000)),
    ("--max-message-size", "2MB", Options(max_message_size=2_000_000)),
    ("--max-message-size", "2GB", Options(max_message_size=2_000_000_000)),
    ("--max-message-size", "7B", Options(max_message_size=7)),
    ("--max-message-size", "none", Options(max_message_size=None)),
    ("--max-fragments", "10", Options(max_fragments=10)),
    ("--max-read-ahead", "64KiB", Options(max_read_ahead=65536)),
    ("--max-mailbox", "none", Options(max_mailbox=None)),
    ("--max-send-buffer", "1MiB", Options(max_send_buffer=1024**2)),
    ("--send-timeout", "2.5", Options(send_timeout=2.5)),
    ("--idle-timeout", "None", Options(idle_timeout=None)),
    ("--ping-interval", "5", Options(ping_interval=5.0)),
    ("--close-timeout", "3", Options(close_timeout=3.0)),
    ("--handshake-timeout", "3", Options(handshake_timeout=3.0)),
    ("--max-head-size", "32KiB", Options(max_head_size=32768)),
    ("--max-body-size", "2MiB", Options(max_body_size=2 * 1024**2)),
    ("--max-connections", "1000", Options(max_connections=1000)),
    ("--drain-timeout", "none", Options(drain_timeout=None)),
    ("--max-connections-per-ip", "20", Options(max_connections_per_ip=20)),
    ("--handshake-rate-per-ip", "0.5", Options(handshake_rate_per_ip=0.5)),
    ("--drain-batch", "100", Options(drain_batch=100)),
    ("--drain-interval", "0.5", Options(drain_interval=0.5)),
    ("--compression", "on", Options(compression=True)),
    ("--compression", "off", Options(compression=False)),
    (
        "--compression",
        "window=10, takeover=off",
        Options(compression=Compression(window=10, takeover=False)),
    ),
    ("--rate-limit", "messages=100", Options(rate_limit=RateLimit(messages=100))),
    ("--rate-limit", "none", Options(rate_limit=None)),
    (
        "--rate-limit",
        "messages=0.5, bytes=64KiB, burst=2.5, close=on",
        Options(rate_limit=RateLimit(messages=0.5, bytes=65536, burst=2.5, close=True)),
    ),
    ("--origin", "*", Options(origins="*")),
    (
        "--origin",
        "https://a.example,null https://b.example",
        Options(origins=("https://a.example", "null", "https://b.example")),
    ),
]


@pytest.mark.parametrize(("option", "text", "options"), GOOD)
def test_each_limit_is_an_option_and_a_variable(invoke, served, option, text, options):
    assert invoke("run", "examples.chat:app", option, text).output == ""
    assert invoke("run", "examples.chat:app", env={variable_of(option): text}).output == ""
    assert [told["options"] for _, told in served] == [options, options]


def test_every_field_of_options_has_an_option():
    assert [field for field, _, _ in option_declarations()] == list(DEFAULTS)
    assert {option for option, _, _ in GOOD} >= {option_of(field) for field in DEFAULTS}


def test_an_option_that_is_given_goes_before_its_variable(invoke, served):
    env = {"SOCK_MAX_MAILBOX": "5", "SOCK_MAX_FRAGMENTS": "6"}
    invoke("run", "examples.chat:app", "--max-mailbox", "7", env=env)
    [(_, told)] = served
    assert told["options"] == Options(max_mailbox=7, max_fragments=6)


def test_origins_add_up(invoke, served):
    sites = ("https://a.example", "https://b.example")
    invoke("run", "examples.chat:app", "--origin", sites[0], "--origin", sites[1])
    [(_, told)] = served
    assert told["options"] == Options(origins=sites)


BAD = [
    (
        "--max-message-size",
        "big",
        "a size is a number of bytes, such as 65536, 64KiB or 4MiB, or none",
    ),
    (
        "--max-message-size",
        "4MX",
        "'MX' is not a unit: the units are B, KiB, MiB, GiB, kB, MB and GB, as in 4MiB",
    ),
    ("--max-message-size", "0.3B", "a size is a whole number of bytes"),
    ("--max-message-size", "0", "max_message_size is more than 0 and finite, not 0"),
    ("--max-mailbox", "4MiB", "it is a whole number, such as 1000, or none"),
    ("--max-connections", "-1", "max_connections is more than 0 and finite, not -1"),
    ("--idle-timeout", "1m", "it is a number of seconds, such as 2.5, or none"),
    ("--idle-timeout", "nan", "idle_timeout is more than 0 and finite, not nan"),
    ("--close-timeout", "none", "close_timeout cannot do without a limit"),
    (
        "--compression",
        "fast",
        (
            "it is on, off, or a list of window, memory_level, threshold, takeover,"
            " as in window=12,takeover=off"
        ),
    ),
    ("--compression", "takeover=maybe", "takeover is on or off"),
    ("--compression", "window=20", "window is 9 to 15, not 20"),
    (
        "--rate-limit",
        "100/s",
        "it is a list of messages, bytes, burst, close, as in messages=100,bytes=64KiB, or none",
    ),
    ("--rate-limit", "messages=many", "messages is a number, as in messages=10"),
    ("--rate-limit", "burst=5", "a RateLimit limits messages, bytes or both"),
    ("--rate-limit", "messages=1,burst=0.5", "burst is at least 1 s, not 0.5"),
    ("--rate-limit", "messages=1,close=maybe", "close is a bool, not 'maybe'"),
    ("--compression", "window=big", "window is a whole number, as in window=12"),
]


@pytest.mark.parametrize(("option", "text", "line"), BAD)
def test_a_wrong_value_is_one_line_that_says_what_to_do(invoke, served, option, text, line):
    result = invoke("run", "examples.chat:app", option, text)
    assert result.output == f"sock: {option} {text}: {line}.\n"
    assert (result.exit_code, served) == (2, [])


def test_a_wrong_value_of_a_variable_names_the_variable(invoke, served):
    result = invoke("run", "examples.chat:app", env={"SOCK_IDLE_TIMEOUT": "soon"})
    assert result.output == (
        "sock: SOCK_IDLE_TIMEOUT=soon: it is a number of seconds, such as 2.5, or none.\n"
    )
    assert (result.exit_code, served) == (2, [])


def test_an_origin_that_is_none_is_one_line(invoke, served):
    result = invoke("run", "examples.chat:app", "--origin", "example.com")
    assert result.output.startswith("sock: --origin example.com: 'example.com' is not an origin")
    assert result.output.count("\n") == 1
    assert (result.exit_code, served) == (2, [])


def test_options_that_contradict_each_other_are_one_line(invoke, served):
    arguments = ["--ping-interval", "70", "--idle-timeout", "60"]
    result = invoke("run", "examples.chat:app", *arguments)
    assert result.output.startswith("sock: these options do not go together: ")
    assert "ping_interval" in result.output
    assert result.output.count("\n") == 1
    assert (result.exit_code, served) == (2, [])


def test_a_ping_interval_over_the_default_of_the_idle_timeout_goes_with_a_longer_one(
    invoke, served
):
    arguments = ["--ping-interval", "70", "--idle-timeout", "200"]
    assert invoke("run", "examples.chat:app", *arguments).exit_code == 0
    [(_, given)] = served
    assert (given["options"].ping_interval, given["options"].idle_timeout) == (70, 200)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SOCK_MAX_MESAGE_SIZE", "SOCK_MAX_MESSAGE_SIZE"),
        ("SOCK_ORIGINS", "SOCK_ORIGIN"),
        ("SOCK_IDLE_TIME_OUT", "SOCK_IDLE_TIMEOUT"),
    ],
)
def test_a_variable_that_is_nearly_one_of_ours_is_refused(invoke, served, name, meant):
    result = invoke("run", "examples.chat:app", env={name: "1"})
    assert result.output == f"sock: Sock has no variable {name}. Did you mean {meant}?\n"
    assert (result.exit_code, served) == (2, [])


def test_a_variable_of_somebody_elses_is_left_alone(invoke, served):
    """As Kubernetes sets for a service of the name `sock`."""
    names = ("SOCK_REACTOR", "SOCK_SERVICE_HOST", "SOCK_PORT_80_TCP", "SOCK_SECRET", "SOCK_ENV")
    assert invoke("run", "examples.chat:app", env=dict.fromkeys(names, "x")).exit_code == 0


# A whole Options object.

LIMITS = """
import sock
STRICT = sock.Options(max_mailbox=5, max_fragments=6)
SEVEN = 7
"""


@pytest.fixture
def limits(folder):
    (folder / "limits.py").write_text(LIMITS)


@pytest.mark.usefixtures("limits")
def test_a_whole_options_object_is_taken_and_single_options_are_laid_over_it(invoke, served):
    arguments = ["--options", "limits:STRICT", "--max-mailbox", "9"]
    assert invoke("run", "examples.chat:app", *arguments).output == ""
    assert invoke("run", "examples.chat:app", env={"SOCK_OPTIONS": "limits:STRICT"}).output == ""
    first, second = (told["options"] for _, told in served)
    assert first == Options(max_mailbox=9, max_fragments=6)
    assert second == Options(max_mailbox=5, max_fragments=6)


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("limits:SEVEN", "--options limits:SEVEN: it is of type int, and not sock.Options."),
        ("limits:STRICTT", "'limits' has no 'STRICTT'. Did you mean 'limits:STRICT'?"),
        ("limits:other", "'limits' has no 'other'. It has these Options: STRICT."),
        ("limits", "'limits' does not say which OPTIONS. It has these Options: STRICT."),
        ("limist:STRICT", "no module named 'limist'. Did you mean 'limits'?"),
        ("limits.py:STRICT", "'limits.py' is a file. Did you mean 'limits:STRICT'?"),
        ("7", "'7' is not the name of a module. Say MODULE:OPTIONS."),
        (
            "examples.empty",
            "'examples.empty' does not say which OPTIONS. It has no Options.",
        ),
    ],
)
@pytest.mark.usefixtures("limits")
def test_an_options_object_that_is_not_there_is_one_line(invoke, served, target, line):
    result = invoke("run", "examples.chat:app", "--options", target)
    assert result.output == f"sock: {line}\n"
    assert (result.exit_code, served) == (2, [])
