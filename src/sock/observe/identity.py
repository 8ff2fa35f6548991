"""The id of a connection in the lines of the application, by a context variable.

the line is written                         its id
------------------------------------------  --------------------------------------------------
by Sock, about a request or a connection    that of the request, always
by the application, in code that runs for   that of the request: as `id` in JSON, before the
a connection that `identify` was called     name of the logger in text, and as the attribute
for, and in its tasks and threads           `connection_id` behind the filter `ConnectionId`
by the application, elsewhere               none
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from sock.spec import Request

MAX_ID: Final = 128
"""Characters of an id that are shown."""

_connection_id: Final[ContextVar[str | None]] = ContextVar("sock.connection_id", default=None)


def loggable_id(request: Request) -> str:
    """Return the id, which middleware may have taken from a header field, as one word."""
    return ascii(request.id)[1:-1].replace(" ", "_")[:MAX_ID]


def identify(request: Request) -> None:
    """Name a connection in every line that is logged for it from now on.

    It is called in the application, before it answers, or in a callback of the handler. The
    connection has a `contextvars` context of its own from then on, of about 300 bytes.

    Args:
        request: of the connection; its `id` is shown.
    """
    _connection_id.set(loggable_id(request))


def current_id() -> str | None:
    """Return the id of the connection that the running code is for; None if there is none."""
    return _connection_id.get()


@final
class ConnectionId(logging.Filter):
    """Gives each record the attribute `connection_id`, for a formatter of your own: "-" for none.

    It belongs on a handler.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attribute, and let the record pass."""
        record.connection_id = current_id() or "-"
        return True
