"""The negotiation of permessage-deflate. RFC 7692 §7.1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from sock.spec.errors import HandshakeError

from .extension import Extension
from .stream import NAME as NAME
from .stream import Deflater as Deflater
from .stream import Inflater as Inflater

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sock.spec.options import Compression

_MAX_WINDOW: Final = 15
# zlib can read a raw stream with a window of 256 bytes (8 bits), but cannot write one.
_MIN_WINDOW: Final = 9
_WINDOWS: Final = {str(bits): bits for bits in range(8, _MAX_WINDOW + 1)}
_PARAMETERS: Final = frozenset(
    (
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
    )
)
_FLAGS: Final = frozenset(("server_no_context_takeover", "client_no_context_takeover"))


@final
@dataclass(frozen=True, slots=True)
class Agreement:
    """The parameters that both ends keep to. An answer without parameters has the defaults.

    Args:
        server_no_context_takeover: whether each message of the server is compressed by itself.
        client_no_context_takeover: whether each message of the client is compressed by itself.
        server_max_window_bits: how far back the server's messages may refer, in bytes, as a power
            of two.
        client_max_window_bits: the same for the client's messages.

    RFC 7692 §7.1.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = _MAX_WINDOW
    client_max_window_bits: int = _MAX_WINDOW

    def header(self) -> str:
        """Return the value of `Sec-WebSocket-Extensions` in the answer.

        >>> Agreement(client_no_context_takeover=True, server_max_window_bits=12).header()
        'permessage-deflate; client_no_context_takeover; server_max_window_bits=12'
        """
        parameters: list[tuple[str, str | None]] = []
        if self.server_no_context_takeover:
            parameters.append(("server_no_context_takeover", None))
        if self.client_no_context_takeover:
            parameters.append(("client_no_context_takeover", None))
        # RFC 7692 §7.1.2.1: this parameter MUST be in the answer if it is in the offer, and may be
        # otherwise.
        parameters.append(("server_max_window_bits", str(self.server_max_window_bits)))
        # RFC 7692 §7.1.2.2: this parameter MUST NOT be in the answer if it is not in the offer;
        # without it the client's window is the greatest.
        if self.client_max_window_bits < _MAX_WINDOW:
            parameters.append(("client_max_window_bits", str(self.client_max_window_bits)))
        return str(Extension(NAME, tuple(parameters)))

    def swapped(self) -> Agreement:
        """Return the same with the roles exchanged, which gives a client its two ends."""
        return Agreement(
            self.client_no_context_takeover,
            self.server_no_context_takeover,
            self.client_max_window_bits,
            self.server_max_window_bits,
        )

    def inflater(self) -> Inflater:
        """Return the inflater of the client's messages."""
        return Inflater(self.client_max_window_bits, takeover=not self.client_no_context_takeover)

    def deflater(self, compression: Compression) -> Deflater:
        """Return the deflater of the server's messages."""
        return Deflater(
            self.server_max_window_bits,
            takeover=not self.server_no_context_takeover,
            memory_level=compression.memory_level,
            threshold=compression.threshold,
        )

    @classmethod
    def from_answer(cls, extension: Extension) -> Agreement:
        """Return the agreement that is in a server's answer to `offer`. For clients.

        Raises:
            HandshakeError: it is not a valid answer, or zlib cannot keep to it.

        RFC 7692 §7.1.
        """
        parameters = _parameters(extension)
        if parameters is None or parameters.get("client_max_window_bits", "") is None:
            raise HandshakeError(502, f"{extension} is not a valid answer (RFC 7692 §7.1)")
        agreement = _agreement(parameters)
        if agreement.client_max_window_bits < _MIN_WINDOW:
            raise HandshakeError(
                502, "zlib cannot keep to client_max_window_bits=8 (RFC 7692 §7.1.2.2)"
            )
        return agreement


def offer(compression: Compression) -> Extension:
    """Return the offer of a client. `Agreement.from_answer` reads the answer to it."""
    window = str(compression.window)
    return Extension(
        NAME,
        (
            *(() if compression.takeover else ((flag, None) for flag in sorted(_FLAGS))),
            ("server_max_window_bits", window),
            ("client_max_window_bits", window),
        ),
    )


def negotiate(offers: Iterable[Extension], compression: Compression) -> Agreement | None:
    """Accept the first acceptable offer, and return the agreement; None if no offer is acceptable.

    >>> from sock.spec.options import Compression
    >>> negotiate(
    ...     [Extension(NAME, (("client_max_window_bits", None),))], Compression(window=10)
    ... ).header()
    'permessage-deflate; server_max_window_bits=10; client_max_window_bits=10'

    RFC 7692 §5, §7.1.
    """
    for extension in offers:
        parameters = _parameters(extension)
        if parameters is None:
            continue
        offered = _agreement(parameters)
        if offered.server_max_window_bits < _MIN_WINDOW:
            continue
        client_window = offered.client_max_window_bits
        if "client_max_window_bits" in parameters:
            client_window = min(client_window, compression.window)
        without_takeover = not compression.takeover
        return replace(
            offered,
            server_no_context_takeover=offered.server_no_context_takeover or without_takeover,
            client_no_context_takeover=offered.client_no_context_takeover or without_takeover,
            server_max_window_bits=min(offered.server_max_window_bits, compression.window),
            client_max_window_bits=client_window,
        )
    return None


def _parameters(extension: Extension) -> Mapping[str, str | None] | None:
    # RFC 7692 §7.1: "A server MUST decline an extension negotiation offer for this extension if any
    # of the following conditions are met": a parameter that is not defined for an offer, an invalid
    # value, several parameters with the same name.
    parameters = dict(extension.parameters)
    if extension.name != NAME or len(parameters) < len(extension.parameters):
        return None
    for name, value in parameters.items():
        if name not in _PARAMETERS:
            return None
        if name in _FLAGS:
            if value is not None:
                return None
        # RFC 7692 §7.1.2: "a decimal integer value without leading zeroes between 8 to 15"; only
        # the client's may be left out, in an offer.
        elif value not in _WINDOWS and (value is not None or name == "server_max_window_bits"):
            return None
    return parameters


def _agreement(parameters: Mapping[str, str | None]) -> Agreement:
    return Agreement(
        "server_no_context_takeover" in parameters,
        "client_no_context_takeover" in parameters,
        _WINDOWS[parameters.get("server_max_window_bits") or str(_MAX_WINDOW)],
        _WINDOWS[parameters.get("client_max_window_bits") or str(_MAX_WINDOW)],
    )
