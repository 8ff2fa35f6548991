"""The limits of the asyncio server of websockets as a host."""

from __future__ import annotations

from typing import Final

from sock.hosting.limit import HEADS, LIFESPAN, Limit, host_with

LIMITS: Final = (
    HEADS,
    LIFESPAN,
    Limit(
        "requests",
        ("S13.9", "S19.9"),
        "websockets refuses every request with a body",
    ),
    Limit(
        "control",
        ("S5.2", "S5.3"),
        "pings can be pushed, but the handler is not told of the peer's pings",
        method="handle_control",
    ),
    Limit(
        "received",
        ("S12.1", "S12.2"),
        "messages and pongs count as received bytes; unfinished frames and the peer's pings do not",
    ),
    Limit(
        "writes",
        ("S2.11", "S1.9", "S11.1", "S11.2", "S11.3"),
        "websockets decides when bytes leave, how much is read ahead and how much waits to be sent",
        options=frozenset({"max_read_ahead", "max_send_buffer"}),
    ),
    Limit(
        "close",
        ("S7.5", "S7.11", "S9.3", "S9.4"),
        "websockets answers the peer's Close by itself, and then ends TCP",
    ),
    Limit(
        "violations",
        ("S7.7", "S15.1", "S15.2", "S15.3", "S15.8", "S16.1"),
        "websockets answers violations by itself, and drops the messages before one in the same"
        " read",
    ),
    Limit(
        "handshake",
        ("S14.1", "S14.4", "S14.11", "S14.12"),
        "websockets judges by itself whether a handshake is valid, and may go on reading behind"
        " an invalid one",
    ),
    Limit(
        "options",
        ("S15.5", "S15.7", "S17.1", "S17.2"),
        "compression, fragments and the largest message are arguments of its serve()",
        options=frozenset({"compression", "max_fragments"}),
    ),
)
"""The statements that cannot be kept over the wire of websockets."""

ACCEPTANCE: Final = Limit(
    "acceptance",
    ("S1.2", "S1.3", "S1.4", "S1.6", "S1.12", "S14.1", "S14.2", "S14.5"),
    "a handler of websockets is called when the 101 was sent: another site's page is sent away with"
    " 1008, and nothing can be refused",
)
"""The limit of `upgrade`. `hosting` asks the application before the 101."""

HOST: Final = host_with("websockets", LIMITS)
"""What `Request.host` is for an application of `hosting`."""

HOST_OF_HANDLERS: Final = host_with("websockets", (*LIMITS, ACCEPTANCE))
"""What it is behind `upgrade` in a handler of websockets."""
