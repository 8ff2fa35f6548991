"""Reads compressed messages of the server, with zlib alone, and as the answer has said."""

from __future__ import annotations

import zlib
from typing import Any, Final, final

from .fell import Fell, told

_TAIL: Final = b"\x00\x00\xff\xff"
_MAX: Final = 64 * 1024 * 1024
_LARGEST: Final = 15
_STEP: Final = 64
"""The bytes that zlib writes at one time. What it has written in one call it can refer to, however
small its window is; so a reference beyond a small window is found within so many bytes only."""


@final
class Inflating:
    """The client's half of permessage-deflate.

    Args:
        parameters: those of the server's answer, with their values or None.

    RFC 7692 §7.2.2.
    """

    def __init__(self, parameters: dict[str, str | None]) -> None:
        self.parameters = parameters
        self._bits = int(parameters.get("server_max_window_bits") or 15)
        self._takeover = "server_no_context_takeover" not in parameters
        self._stream = self._fresh()

    @property
    def client_bits(self) -> int:
        """The window that the client may use. zlib writes none of 8 bits."""
        return int(self.parameters.get("client_max_window_bits") or 15)

    @property
    def client_takeover(self) -> bool:
        """Whether a message of the client may refer to earlier ones."""
        return "client_no_context_takeover" not in self.parameters

    def inflate(self, data: bytes) -> bytes:
        """Return a message.

        Raises:
            Fell: it is not what the server's answer has promised.
        """
        if not self._takeover:
            self._stream = self._fresh()
        out, rest = bytearray(), data + _TAIL
        step = _MAX if self._bits == _LARGEST else _STEP
        try:
            while True:
                out += self._stream.decompress(rest, step)
                rest = self._stream.unconsumed_tail
                if self._stream.eof:
                    # RFC 7692 §7.2.3.4: the server may end its stream; then it begins another.
                    rest, self._stream = self._stream.unused_data, self._fresh()
                if not rest or len(out) >= _MAX:
                    return bytes(out)
        except zlib.error as error:
            said = "; ".join(self.parameters) or "no parameters"
            raise Fell(
                f"a message compressed as the answer says, with {said} (RFC 7692 §7.2.1)",
                f"{told(data)}: {error}",
            ) from None

    def _fresh(self) -> Any:
        return zlib.decompressobj(-self._bits)


@final
class Deflating:
    """The client's compressor, with a window that lives as long as was agreed on.

    Args:
        inflating: the other half.
    """

    def __init__(self, inflating: Inflating) -> None:
        self._bits = max(9, inflating.client_bits)
        self._takeover = inflating.client_takeover
        self._stream = self._fresh()

    def deflate(self, data: bytes) -> bytes:
        """Return a message, compressed. RFC 7692 §7.2.1."""
        if not self._takeover:
            self._stream = self._fresh()
        squeezed = self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        return bytes(squeezed).removesuffix(_TAIL)

    def _fresh(self) -> Any:
        return zlib.compressobj(6, zlib.DEFLATED, -self._bits)
