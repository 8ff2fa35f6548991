"""The limits that every ASGI server has as a host, unless it lets go of its socket."""

from __future__ import annotations

from typing import Final

from sock.hosting.limit import HEADS, Limit, host_with

NAME_IN_LOG: Final = "this ASGI server (uvicorn can, with --ws sock.adapters.uvicorn:SockProtocol)"
"""The name of the host in the log."""

CONTROL: Final = Limit(
    "control",
    ("S2.5", "S5.1", "S5.2", "S5.3", "S5.4", "S12.3"),
    "the server handles pings and pongs alone: a handler can push none and is told of none",
    method="handle_control",
    options=frozenset({"ping_interval"}),
)

LIMITS: Final = (
    CONTROL,
    HEADS,
    Limit(
        "fields",
        ("S13.5",),
        "some servers join the fields of one name",
    ),
    Limit(
        "lifespan",
        ("S19.4", "S19.5", "S19.6", "S19.10", "S19.11"),
        "some servers do not speak the lifespan protocol, and a framework tells a mounted"
        " application of no start and no stop",
    ),
    Limit(
        "idle",
        ("S12.1", "S12.2", "S12.4"),
        "the server decides, by its own settings, whether the peer is alive",
        options=frozenset({"idle_timeout"}),
    ),
    Limit(
        "buffer",
        ("S1.9", "S2.11", "S10.12", "S11.1", "S11.2"),
        "the server decides when bytes leave; many servers take every message at once, however"
        " slow the peer is",
        options=frozenset({"send_timeout"}),
    ),
    Limit(
        "pressure",
        ("S11.3", "S11.4"),
        "the server decides how much it reads ahead; most servers hold the peer back",
    ),
    Limit(
        "detail",
        ("S16.1",),
        "some servers do not tell the code or the detail of the peer's Close, or do not tell that"
        " there was none",
    ),
    Limit(
        "close",
        ("S7.5", "S7.11", "S9.3", "S9.4"),
        "the server answers the peer's Close by itself, and then ends TCP",
    ),
    Limit(
        "violations",
        ("S7.7", "S9.5", "S15.1", "S15.2", "S15.3", "S15.8", "S16.1"),
        "the server answers violations by itself, with a code of its own",
    ),
    Limit(
        "early",
        ("S1.10",),
        "most servers lose the bytes that arrive in one piece with the handshake",
    ),
    Limit(
        "handshake",
        ("S14.1", "S14.4", "S14.11", "S14.12"),
        "the server judges the handshake; it may accept an invalid one, and it may go on reading"
        " behind a handshake that it has refused by itself",
    ),
    Limit(
        "options",
        ("S15.5", "S15.7", "S17.1", "S17.2"),
        "compression, fragments and the largest message are settings of the server",
        options=frozenset({"compression", "max_fragments", "max_message_size"}),
    ),
    Limit(
        "drain",
        ("S7.8", "S7.14", "S7.16"),
        "when the server stops, the work under way has as long as the server gives it",
    ),
    Limit(
        "text",
        ("S13.10",),
        "some servers lose or change the characters of a header field that are not ASCII",
    ),
    Limit(
        "headers",
        ("S14.5",),
        "some servers leave the headers of the application out of the 101",
    ),
    Limit(
        "empty",
        ("S2.1",),
        "some servers send no empty messages",
    ),
    Limit(
        "codes",
        ("S2.8", "S16.1"),
        "some servers let an application say few codes, and say 1011 in place of the others",
    ),
    Limit(
        "leaving",
        ("S1.8",),
        "some servers tell of a peer that has left only after `init`",
    ),
    Limit(
        "ends",
        ("S7.1", "S7.6", "S16.1"),
        "some servers do not tell that the peer has ended its stream without a Close",
    ),
    Limit(
        "farewell",
        ("S7.6", "S16.1"),
        "some servers answer the peer's Close and do not tell that it has come",
    ),
)
"""The statements that cannot be kept over ASGI. All of them are kept after a takeover."""

REFUSAL: Final = Limit(
    "responses",
    ("S1.2", "S1.3", "S1.4", "S1.12", "S14.1"),
    "without the extension websocket.http.response every refusal is a 403 without a body",
)
"""The limit of servers without that extension."""

HOST: Final = host_with("asgi", LIMITS)
"""What `Request.host` is on a server that keeps its socket."""

HOST_WITHOUT_RESPONSES: Final = host_with("asgi", (*LIMITS, REFUSAL))
"""What it is where the server does not have that extension either."""
