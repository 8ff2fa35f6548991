"""A client of channels for a test: it joins, pushes and expects, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, final
from urllib.parse import urlencode

from msgspec import json

from sock import telemetry
from sock.channels.auth_token import PHOENIX, PREFIX
from sock.channels.message import JOIN, LEAVE, REPLY
from sock.channels.serializer import BROADCAST_KIND, PUSH_KIND, REPLY_KIND, packed, unpacked

from .opening import open as open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from sock.spec import App

    from .session import Session

_ANYTHING: Final = object()


class Reply(NamedTuple):
    """The answer to a push or a join."""

    status: str
    """"ok" or "error", mostly."""
    response: Any
    """What the handler has returned."""


class Heard(NamedTuple):
    """A frame that the client has received."""

    join_ref: Any
    ref: Any
    topic: str
    event: str
    payload: Any


def connect(
    app: App,
    path: str = "/socket",
    params: Mapping[str, Any] | None = None,
    *,
    auth_token: str | None = None,
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
) -> Client:
    """Return a client of an application, to be used in a `with` statement.

    Args:
        app: an `Endpoint`, or what stands around it, such as `Routes`.
        path: of the socket.
        params: of the connection.
        auth_token: is sent as phoenix.js sends its `authToken`.
        headers: the header fields of the request.
        cookies: names and values.

    >>> from sock.channels import Channel, Endpoint, Socket, on
    >>> from sock.pubsub import PubSub
    >>> class Room(Channel):
    ...     @on("add")
    ...     def add(self, numbers: list[int]) -> dict[str, int]:
    ...         return {"sum": sum(numbers)}
    >>> class UserSocket(Socket):
    ...     channels = {"room:*": Room}
    >>> endpoint = Endpoint({"/socket": UserSocket}, pubsub=PubSub("memory:"))
    >>> with connect(endpoint) as client:
    ...     client.join("room:1")
    ...     client.expect_reply(client.push("room:1", "add", [1, 2]))
    Reply(status='ok', response={})
    Reply(status='ok', response={'sum': 3})
    """
    query = urlencode({**(params or {}), "vsn": "2.0.0"})
    subprotocols: list[str] = []
    if auth_token is not None:
        from base64 import b64encode

        encoded = b64encode(auth_token.encode()).decode().rstrip("=")
        subprotocols = [PHOENIX, PREFIX + encoded]
    session = open_session(
        app,
        f"{path}/websocket?{query}",
        headers=headers or {},
        cookies=cookies,
        subprotocols=subprotocols,
    )
    return Client(session)


@final
class Client:
    """A client of channels, which speaks the second version. Made by `connect`.

    What it hears waits until the test expects it, in any order. When it is left, it raises the
    exception that has crashed a channel, unless the test has asked for `crashes`.

    Args:
        session: its connection, with the virtual clock.
    """

    def __init__(self, session: Session[Any]) -> None:
        self.session = session
        """Its connection: `advance`, `code`, `lose`, `shutdown`, `response` are there."""
        self._heard: list[Heard] = []
        self._join_refs: dict[str, str] = {}
        self._ref = 0
        self._crashes: list[BaseException] = []
        self._expected = False
        self._unsubscribe: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        self.session.__enter__()
        self._unsubscribe = telemetry.subscribe(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.session.__exit__(kind, error, trace)
        finally:
            if self._unsubscribe is not None:
                self._unsubscribe()
        if error is None and self._crashes and not self._expected:
            raise self._crashes[0]

    # What the client does.

    def join(self, topic: str, params: Any = None) -> Reply:
        """Join a topic, and return the reply.

        Raises:
            AssertionError: there is no reply yet; `push(topic, "phx_join")` does not wait for one.
        """
        return self.expect_reply(self.push(topic, JOIN, params))

    def leave(self, topic: str) -> Reply:
        """Leave a topic, and return the reply."""
        return self.expect_reply(self.push(topic, LEAVE))

    def push(self, topic: str, event: str, payload: Any = None) -> str:
        """Push an event, and return its reference, for `expect_reply`.

        Args:
            topic: the topic.
            event: its name.
            payload: a JSON value, or bytes; None is an empty mapping.
        """
        self._ref += 1
        ref = str(self._ref)
        if event == JOIN:
            self._join_refs[topic] = ref
        join_ref = self._join_refs.get(topic)
        if isinstance(payload, bytes):
            self.session.receive(packed(PUSH_KIND, (join_ref, ref, topic, event), payload))
        else:
            payload = {} if payload is None else payload
            self.session.receive(json.encode([join_ref, ref, topic, event, payload]).decode())
        return ref

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.session.advance(seconds)

    # What the client expects.

    def expect_reply(self, ref: str, status: Any = _ANYTHING, response: Any = _ANYTHING) -> Reply:
        """Return the reply to a push.

        Args:
            ref: what `push` has returned.
            status: that it has to have, if given.
            response: that it has to have, if given.

        Raises:
            AssertionError: there is no reply, or it is another one.
        """
        found = self._take(f"a reply to {ref}", lambda one: one.event == REPLY and one.ref == ref)
        reply = Reply(found.payload["status"], found.payload["response"])
        _compare("status", reply.status, status)
        _compare("response", reply.response, response)
        return reply

    def expect_push(self, topic: str, event: str, payload: Any = _ANYTHING) -> Any:
        """Return the payload of what the channel of this client has pushed to it.

        "phx_close" and "phx_error" are such events, too.

        Raises:
            AssertionError: nothing of that name has come, or it has another payload.
        """
        return self._expect("push", topic, event, payload, broadcast=False)

    def expect_broadcast(self, topic: str, event: str, payload: Any = _ANYTHING) -> Any:
        """Return the payload of what was broadcast to a topic.

        Raises:
            AssertionError: nothing of that name has come, or it has another payload.
        """
        return self._expect("broadcast", topic, event, payload, broadcast=True)

    def expect_nothing(self) -> None:
        """Make sure that everything that has come was expected.

        Raises:
            AssertionError: something else has come.
        """
        assert self.heard() == [], f"heard besides: {self._heard}"

    def heard(self) -> list[Heard]:
        """Return what has come, and was not expected yet."""
        self._heard += map(_decoded, self.session.pushed())
        return list(self._heard)

    @property
    def crashes(self) -> list[BaseException]:
        """The exceptions that have ended channels. A test that reads them expects them."""
        self._expected = True
        return self._crashes

    def _expect(self, kind: str, topic: str, event: str, payload: Any, *, broadcast: bool) -> Any:
        found = self._take(
            f"a {kind} {event!r} on {topic!r}",
            lambda one: (
                (one.topic, one.event) == (topic, event) and (one.join_ref is None) is broadcast
            ),
        )
        _compare("payload", found.payload, payload)
        return found.payload

    def _take(self, what: str, matches: Callable[[Heard], bool]) -> Heard:
        heard = self.heard()
        for at, one in enumerate(heard):
            if matches(one):
                return self._heard.pop(at)
        raise AssertionError(f"expected {what}, heard {heard}")

    def _note(self, event: str, fields: Mapping[str, Any]) -> None:
        if event == "channel.crashed" and fields["request"] is self.session.request:
            self._crashes.append(fields["error"])


def _compare(name: str, found: Any, wanted: Any) -> None:
    if wanted is not _ANYTHING:
        assert found == wanted, f"the {name} is {found!r}, not {wanted!r}"


def _decoded(frame: str | bytes) -> Heard:
    if isinstance(frame, str):
        return Heard(*json.decode(frame))
    if frame[0] == REPLY_KIND:
        (join_ref, ref, topic, status), payload = unpacked(frame, 4)
        return Heard(join_ref, ref, topic, REPLY, {"status": status, "response": payload})
    if frame[0] == BROADCAST_KIND:
        (topic, event), payload = unpacked(frame, 2)
        return Heard(None, None, topic, event, payload)
    (join_ref, topic, event), payload = unpacked(frame, 3)
    return Heard(join_ref, None, topic, event, payload)
