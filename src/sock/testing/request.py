"""Makes requests for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sock.spec import Host, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sock.spec.request import Address
    from sock.spec.upgrade import HeaderPairs

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The `Sec-WebSocket-Key` of RFC 6455 §1.3."""

HOST: Final = Host("sock.testing")
"""What `Request.host` is in a test: a host that declares nothing."""


def request(
    target: str = "/",
    *,
    method: str = "GET",
    headers: HeaderPairs = (),
    subprotocols: Sequence[str] = (),
    cookies: Mapping[str, str] | None = None,
    upgrade: bool = True,
    http_version: str = "1.1",
    scheme: str = "http",
    client: Address | None = ("127.0.0.1", 50000),
    server: Address | None = ("127.0.0.1", 8000),
    path_params: Mapping[str, Any] | None = None,
    root_path: str = "",
    body: bytes = b"",
    state: Mapping[str, Any] | None = None,
    host: Host = HOST,
) -> Request:
    """Return a request as a host gives it to an application.

    Args:
        target: path and query, encoded.
        method: upper case; only a GET asks for a connection.
        headers: more header fields. They take the place of those with the same name.
        subprotocols: those that the request offers, the preferred one first.
        cookies: names and values.
        upgrade: whether the request asks for a WebSocket connection.
        http_version: "1.1", "2" …
        scheme: "http" or "https".
        client: host and port of the peer.
        server: host and port that the peer has reached.
        path_params: the parameters that a router has found in the path.
        root_path: the part of the path below which the application is mounted; not in the target.
        body: the body of an ordinary request, such as a POST.
        state: the items that middleware has put there.
        host: who hosts the application, and what it declares.

    >>> made = request("/rooms/7?name=ada", cookies={"theme": "dark"})
    >>> made.path, made.query["name"], made.cookies["theme"]
    ('/rooms/7', 'ada', 'dark')
    """
    pairs = [("Host", "localhost")]
    if upgrade and method == "GET":
        pairs += [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Version", "13"),
        ]
        if subprotocols:
            pairs.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    if cookies:
        pairs.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())))
    given = list(headers.items() if isinstance(headers, Mapping) else headers)
    named = {name.lower() for name, _ in given}
    pairs = [pair for pair in pairs if pair[0].lower() not in named] + given
    made = Request(
        method,
        target,
        [(name.encode(), value.encode()) for name, value in pairs],
        http_version=http_version,
        scheme=scheme,
        client=client,
        server=server,
        path_params=path_params,
        root_path=root_path,
        body=body,
        host=host,
    )
    made.state.update(state or {})
    return made
