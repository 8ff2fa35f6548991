"""Events that the rest of Sock tells, for those who want to know: a logger, metrics, traces, tests.

Nothing in Sock logs; it emits events here, and the server's log is one subscriber. Emitting without
a subscriber costs one look at an empty tuple.

    event                 fields
    --------------------  --------------------------------------------------------------
    handshake.refused     request, status, detail
    handshake.failed      request, error: the application raised before the 101
    connection.opened     request
    connection.closed     request, code, reason, seconds, dropped: messages for a peer that had gone
    callback.failed       request, error, place: raised in one of the handler's callbacks
    callback.slow         seconds, place, where: file and line; blocked the loop (debug mode)
    callback.abandoned    request, place: did not end when it was cancelled
    server.started        url
    server.draining       connections, seconds
    server.stopped        connections: those cut by the drain's bound
    server.left           tasks, threads: by name, which have not ended with the process' server
    request.answered      request, status, size: an ordinary answer, of so many bytes
    request.refused       client, status, detail: what has come is no request
    accept.paused         error, seconds: no descriptors or memory left
    host.limited          request, host, handler, needed, instead: the host cannot do what is needed

The fields are raw: a request has its query and its headers, with whatever tokens are in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Subscriber: TypeAlias = Callable[[str, Mapping[str, Any]], None]

_subscribers: tuple[tuple[Subscriber], ...] = ()


def subscribe(subscriber: Subscriber, /) -> Callable[[], None]:
    """Call `subscriber(event, fields)` for every event from now on, in the thread that emits it.

    A subscriber must be quick and should not raise.

    Returns:
        A function that ends the subscription.

    >>> seen = []
    >>> unsubscribe = subscribe(lambda event, fields: seen.append((event, fields["url"])))
    >>> emit("server.started", url="http://127.0.0.1:8000")
    >>> unsubscribe()
    >>> seen
    [('server.started', 'http://127.0.0.1:8000')]
    """
    global _subscribers  # noqa: PLW0603 - one for the process, replaced whole: emit needs no lock
    subscription = (subscriber,)  # told apart from another of the same function
    _subscribers = (*_subscribers, subscription)

    def unsubscribe() -> None:
        global _subscribers  # noqa: PLW0603 - as above
        _subscribers = tuple(one for one in _subscribers if one is not subscription)

    return unsubscribe


def emit(event: str, /, **fields: Any) -> None:
    """Tell every subscriber of an event. What one of them raises goes to stderr, and no further."""
    for (subscriber,) in _subscribers:
        try:
            subscriber(event, fields)
        except Exception:  # noqa: BLE001 - no connection may depend on who watches it
            import traceback

            traceback.print_exc()
