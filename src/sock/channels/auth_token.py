"""The token that a client sends among its subprotocols, where no browser can set a header.

`new Socket(url, {authToken})` of phoenix.js offers two subprotocols: "phoenix", and a prefix with
the token in base64. The token is taken out, so that it is neither echoed nor logged.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from sock.spec import Refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREFIX: Final = "base64url.bearer.phx."
PHOENIX: Final = "phoenix"


def split_token(offered: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the token among the subprotocols, and the subprotocols without it.

    If there are several, there is none.

    Raises:
        Refuse: the token cannot be decoded (403).

    >>> split_token(["phoenix", "base64url.bearer.phx.c2VjcmV0"])
    ('secret', ['phoenix'])
    """
    tokens = [one for one in offered if one.startswith(PREFIX)]
    others = [one for one in offered if not one.startswith(PREFIX)]
    if len(tokens) != 1:
        return None, others
    # Despite the prefix, phoenix.js sends the standard alphabet, without the padding.
    encoded = tokens[0].removeprefix(PREFIX).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        return decoded.decode(), others
    except (binascii.Error, UnicodeDecodeError):
        raise Refuse(403) from None


def chosen_subprotocol(offered: Sequence[str], allowed: Iterable[str]) -> str | None:
    """Return the subprotocol to answer with: the first one that is allowed.

    Raises:
        Refuse: some were offered, and none of them is allowed (403).
    """
    known = {PHOENIX, *allowed}
    for one in offered:
        if one in known:
            return one
    if offered:
        raise Refuse(403)
    return None
