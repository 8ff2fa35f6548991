"""What is known of an entry, as a value and as JSON."""

from __future__ import annotations

import json
from typing import Any, final

from sock.spec import InvalidMessage
from sock.typed import Codec

from .message import MAX_DATA


@final
class Data:
    """Encodes and decodes the data of the entries of one Presence.

    Args:
        kind: what a `Codec` takes; None for whatever JSON has.

    Raises:
        ImportError: msgspec is not installed, which a type needs.
        TypeError: the type cannot be told from JSON.
    """

    def __init__(self, kind: type[Any] | None = None) -> None:
        self._codec: Codec[Any] | None = None if kind is None else Codec(kind)

    def encode(self, data: Any) -> bytes:
        """Return data as JSON.

        Raises:
            TypeError: it is not of the type, or JSON does not have it.
            ValueError: it is too large.
        """
        if self._codec is not None:
            raw = self._codec.encode(data)
        else:
            raw = json.dumps(
                data, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            ).encode()
        if len(raw) > MAX_DATA:
            raise ValueError(
                f"the meta of an entry has at most {MAX_DATA} bytes as JSON, not {len(raw)} [T11]"
            )
        return raw

    def decode(self, raw: bytes) -> Any:
        """Return the data that was encoded.

        Raises:
            ValueError: it is not of the type, or no JSON.
        """
        try:
            return json.loads(raw) if self._codec is None else self._codec.decode(raw)
        except InvalidMessage as error:
            raise ValueError(str(error)) from None
        except RecursionError:
            raise ValueError("nested too deeply") from None
