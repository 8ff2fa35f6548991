"""An echo of values: each message is decoded into a struct, checked, and encoded again."""

from __future__ import annotations

from typing import Never

from msgspec import Struct

from sock import JsonSock


class Measured(Struct):
    """What the load client sends with `--object`."""

    seq: int
    id: int
    ok: bool
    sensor: str


class JsonEcho(JsonSock[Never, Measured, Measured]):
    """Sends every value back."""

    def handle_in(self, message: Measured, /) -> Measured:
        """Answer one message."""
        return message
