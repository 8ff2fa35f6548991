"""What the load client says to servers that speak a protocol above WebSocket.

Where a server has none, a payload is a message. Phoenix and Socket.IO have a frame around it, and a
client says who it is before anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one protocol says what a column asks for.

    Args:
        path: of the upgrade.
        hello: the messages that a client sends first.
        welcome: stands in the message with which a client has joined; all before it are passed
            over.
        forms: for each `Column.asks`, what is sent and what comes back; `%` is the payload.
    """

    path: str
    hello: tuple[str, ...]
    welcome: str
    forms: Mapping[str, tuple[str, str]]

    def arguments(self, asks: str) -> list[str]:
        """Return the arguments of `wsload` with which it speaks so."""
        said = ["--path", self.path, "--welcome", self.welcome]
        said += [argument for text in self.hello for argument in ("--hello", text)]
        if asks in self.forms:
            sent, back = self.forms[asks]
            said += ["--send", sent, "--expect", back]
        return said


PHOENIX: Final = Dialect(
    path="/?vsn=2.0.0",
    hello=('["1","1","room:1","phx_join",{}]',),
    welcome='"status":"ok"',
    forms={
        "push": (
            '["1","2","room:1","echo",%]',
            '["1","2","room:1","phx_reply",{"status":"ok","response":%}]',
        ),
        "shout": ('["1",null,"room:1","shout",%]', '[null,null,"room:1","shout",%]'),
    },
)

SOCKET_IO: Final = Dialect(
    path="/socket.io/?EIO=4&transport=websocket",
    hello=("40",),
    welcome='40{"sid"',
    forms={
        "push": ('421["echo",%]', "431[%]"),
        "shout": ('42["shout",%]', '42["shout",%]'),
    },
)
