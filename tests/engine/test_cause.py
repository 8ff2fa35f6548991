"""What each cause tells the peer and `terminate`: the table at the head of `cause`.

That the causes come to be, and reach a peer, is proven in `test_ending.py`.
"""

import pytest

from sock import (
    Failed,
    InvalidData,
    MailboxFull,
    MessageTooBig,
    Normal,
    PeerTooSlow,
    ProtocolError,
    Remote,
    Shutdown,
    Stop,
    TimedOut,
    UnsupportedData,
)
from sock.engine import cause

OOPS = OSError("the disk of 10.0.0.7 is full")


def lines():
    """Return the first column of the table: the causes."""
    table = cause.__doc__.partition("---\n")[2].partition("\n\n")[0]
    return [line.split()[0] for line in table.splitlines()]


def test_the_table_names_all_causes():
    assert [name for name in lines() if not hasattr(cause, name)] == []
    assert len(lines()) == 9


@pytest.mark.parametrize(
    ("why", "code", "reason"),
    [
        (cause.closed(1001, "tab closed", 1001), 1001, Remote(1001, "tab closed")),
        (cause.closed(1005, "", None), None, Remote(1005)),
        (cause.closed(1004, "", 1002), 1002, Remote(1004)),
        (cause.LOST, 1006, Remote(1006)),
        (cause.IDLE, 3008, TimedOut()),
        (cause.SHUTDOWN, 1012, Shutdown()),
        (cause.stopped(Stop()), 1000, Normal()),
        (cause.stopped(Stop(4001)), 4001, Normal()),
        (cause.stopped(Stop(error=OOPS)), 1011, Failed(OOPS)),
        (cause.raised(OOPS), 1011, Failed(OOPS)),
    ],
)
def test_a_cause_has_its_code_and_its_reason(why, code, reason):
    assert why.code == code
    assert why.reason == reason


@pytest.mark.parametrize(
    ("kind", "code"),
    [(ProtocolError, 1002), (UnsupportedData, 1003), (InvalidData, 1007), (MessageTooBig, 1009)],
)
def test_a_violation_says_the_code_of_its_error_and_tells_the_peer_why(kind, code):
    error = kind("reserved bit (RFC 6455 §5.2)")
    assert cause.violated(error) == cause.Cause(Failed(error), code, str(error))


@pytest.mark.parametrize(
    ("why", "kind", "words"),
    [
        (cause.too_slow(30.0), PeerTooSlow, "the peer took nothing for send_timeout=30.0 s"),
        (
            cause.mailbox_full(1024),
            MailboxFull,
            "more than max_mailbox=1024 infos wait for the handler",
        ),
    ],
)
def test_what_could_not_keep_up_is_named_with_its_option(why, kind, words):
    assert why.code == 1013
    assert type(why.reason.error) is kind
    assert str(why.reason.error) == words


def test_the_peer_is_told_no_details_of_an_exception():
    """Rule 6."""
    assert cause.raised(OOPS).detail == ""
    assert cause.stopped(Stop(error=OOPS)).detail == ""
    assert cause.stopped(Stop(detail="said on purpose", error=OOPS)).detail == "said on purpose"
