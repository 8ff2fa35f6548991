"""Events of the other rooms, for a subscriber such as a log, metrics, traces or a test.

The rooms of Sock do not log. They emit events here, and the log of the server is one subscriber.
While there is no subscriber, an event costs one look at an empty tuple.

    event                 fields
    --------------------  --------------------------------------------------------------
    handshake.refused     request, status, detail
    handshake.failed      request, error: the application raised before the 101
    connection.opened     request, connection: live, with its figures
    connection.closed     request, connection, code, reason, seconds, dropped, received_messages,
                          received_bytes, sent_messages, sent_bytes; dropped: messages to a peer
                          that was gone; bytes: of messages, without frames and compression
    callback.failed       request, error, place: raised in one of the handler's callbacks
    callback.slow         seconds, place, where: file and line; blocked the loop (debug mode)
    turn.slow             seconds: one turn of a connection, or of several, has blocked the loop
    callback.abandoned    request, place: did not end when it was cancelled
    server.started        urls: where it listens, one for each address
    server.blocked        seconds, place, where: after a signal, what keeps the stop from beginning
    server.draining       connections, seconds
    drain.told            connections: so many have been told to end, one batch
    drain.paused          connections: those that are left, batches: of them that were not told yet
    drain.cut             connections, held_by, handler, place, seconds, pending, request: the bound
                          of a drain has cut so many, all held up by the same (`sock.live.held`)
    server.stopped        connections: those cut by the drain's bound
    server.left           tasks, threads: the names of those that outlive the server
    request.answered      request, status, size: an ordinary answer, of so many bytes
    request.refused       client, status, detail: the bytes that came are not a valid request
    forwarded.ignored     client, fields, trusted: the names of fields that are not believed, as the
                          client is no proxy that is trusted, or as they contradict each other
    proxy.refused         client, detail: no valid header of the PROXY protocol; the proxy's address
    tls.failed            client, detail: what came is not the TLS that is expected, or stopped
                          in the middle of the handshake
    tls.unexpected        client: it speaks TLS to a port that speaks plain HTTP
    tls.reloaded          certificates: how many were read again
    tls.unchanged         error: the certificates stay those that they were
    accept.paused         error, seconds: no descriptors or no memory are left
    worker.started        slot, pid
    worker.ready          slot, pid, seconds: since it was started
    worker.draining       slot, pid
    worker.late           slot, pid: its drain has taken too long, and it is killed
    worker.blocked        slot, pid, seconds: its event loop was silent so long, and it is killed
    worker.ended          slot, pid, code, state, age
    worker.waiting        slot, code, seconds: until the next attempt to start one
    worker.failed         slot, error: the system cannot start a process
    worker.retired        slot, pid, why: it is replaced
    worker.orphaned       slot, pid: its supervisor has gone
    reload.begun          workers
    reload.changed        paths: of the files that were edited
    reload.failed         slot, code
    reload.done           workers
    control.refused       user: who is not the user that runs the server
    control.missing       error: there is no control socket
    pubsub.began          url, running, traffic: a PubSub has begun in an event loop
    pubsub.ended          url, running: it has ended there
    pubsub.connected      url: of the backend, which reaches the other processes
    pubsub.down           url, error, seconds: it does not, and tries again after so many
    pubsub.gap            topic: messages of other processes may have been lost
    pubsub.lost           topic, error: the broker has not taken a message, as far as is known
    pubsub.refused        url, topic, error: the broker does not let this account use a topic
    pubsub.rejected       url, topic, error, count: what came is no message, or of another type
    pubsub.failed         topic, error: raised by the `encode` of attached connections
    pubsub.alone          workers: topics of `memory:` do not reach the other workers
    channel.joined        request, topic
    channel.refused       request, topic, response: the application has refused the join
    channel.crashed       request, topic, error, place: raised in a callback of the channel
    channel.ended         request, topic, reason: as its `terminate` gets it
    presence.failed       topic, error: raised by the `fetch` of a Presence of channels
    host.limited          request, host, handler, needed, instead: the host lacks a thing needed

The fields are not masked: a request has its query and its headers, and tokens may be in them.
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
    >>> unsubscribe = subscribe(lambda event, fields: seen.append((event, fields["urls"])))
    >>> emit("server.started", urls=("http://127.0.0.1:8000",))
    >>> unsubscribe()
    >>> seen
    [('server.started', ('http://127.0.0.1:8000',))]
    """
    global _subscribers  # noqa: PLW0603 - one for the process, replaced whole: emit needs no lock
    subscription = (
        subscriber,
    )  # a new tuple, so that it differs from another one of the same function
    _subscribers = (*_subscribers, subscription)

    def unsubscribe() -> None:
        global _subscribers  # noqa: PLW0603 - as above
        _subscribers = tuple(one for one in _subscribers if one is not subscription)

    return unsubscribe


def emit(event: str, /, **fields: Any) -> None:
    """Call every subscriber with an event. An exception of one goes to stderr, and no further."""
    emit_fields(event, fields)


def emit_fields(event: str, fields: Mapping[str, Any], /) -> None:
    """Do as `emit`, with fields in a mapping, which costs less than so many keywords do."""
    for (subscriber,) in _subscribers:
        try:
            subscriber(event, fields)
        except Exception:  # noqa: BLE001 - no connection may depend on a subscriber
            import traceback

            traceback.print_exc()
