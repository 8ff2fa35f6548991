"""The commands `sock publish` and `sock subscribe`: topics from a shell."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, final

import click

from .failure import CANNOT_START, NOT_THERE, fail
from .sections import SectionCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sock.pubsub.running import Running

_KINDS: Final = ("text", "binary", "json")
"""By their numbers in an envelope."""

_ESCAPES: Final = {one: f"\\x{one:02x}" for one in (*range(32), *range(127, 160))} | {
    9: "\\t",
    10: "\\n",
    13: "\\r",
}
"""So that a message is one line, and cannot tell the terminal anything."""


@click.command(cls=SectionCommand)
@click.argument("url", metavar="URL")
@click.argument("topic", metavar="TOPIC")
@click.argument("message", metavar="[MESSAGE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="It is JSON, for a PubSub of a type.")
@click.option("--binary", is_flag=True, help="It is binary.")
@click.option("--lines", is_flag=True, help="Each line of the standard input is a message.")
def publish(
    url: str, topic: str, message: str | None, *, as_json: bool, binary: bool, lines: bool
) -> None:
    """Publish a message: all that listen to TOPIC get it, whichever process holds them.

    URL names the backend, as in the program: redis://host:6379/0, nats://host:4222, or
    host:/a/folder. Without MESSAGE, the standard input is the message.

    \b
      sock publish redis://localhost room:7 hello
      sock publish redis://localhost room:7 --json '{"author": "ada", "text": "hello"}'
      date | sock publish nats://localhost clock
      tail -f app.log | sock publish redis://localhost log --lines
    """  # noqa: D301 - click looks for the backspace itself
    if as_json and binary:
        fail("--json and --binary: a message is one of both.", NOT_THERE)
    if lines and message is not None:
        fail(
            "--lines reads the standard input, so there is no MESSAGE beside it.",
            NOT_THERE,
        )
    kind = "json" if as_json else "binary" if binary else "text"
    try:
        if message is not None:
            _publish(url, topic, kind, os.fsencode(message))
        elif lines:
            for line in _standard_input():
                _publish(url, topic, kind, line.removesuffix(b"\n").removesuffix(b"\r"))
        else:
            text = _standard_input().read()
            _publish(url, topic, kind, text if binary else text.removesuffix(b"\n"))
    except KeyboardInterrupt:
        sys.exit(0)


def _standard_input() -> BinaryIO:
    return sys.stdin.buffer


def _publish(url: str, topic: str, kind: str, payload: bytes) -> None:
    from sock.pubsub import BackendDown
    from sock.pubsub.publish import publish_payload

    try:
        if kind == "text":
            payload.decode()
        elif kind == "json":
            payload = json.dumps(json.loads(payload), separators=(",", ":")).encode()
        publish_payload(url, topic, _KINDS.index(kind), payload)
    except UnicodeDecodeError:
        fail("the message is no UTF-8: --binary sends any bytes.", NOT_THERE)
    except json.JSONDecodeError as error:
        fail(f"the message is no JSON: {error}.", NOT_THERE)
    except (BackendDown, ImportError) as error:
        fail(_sentence(error), CANNOT_START)
    except ValueError as error:
        fail(_sentence(error), NOT_THERE)


@click.command(cls=SectionCommand)
@click.argument("url", metavar="URL")
@click.argument("topics", metavar="TOPIC...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One object a line: topic, kind and message.")
@click.option(
    "--count", metavar="NUMBER", type=click.IntRange(1), help="End after so many messages."
)
def subscribe(url: str, topics: tuple[str, ...], *, as_json: bool, count: int | None) -> None:
    """Show the messages of topics, until Ctrl-C.

    URL names the backend, as in the program: redis://host:6379/0, nats://host:4222, or
    host:/a/folder.

    A message is one line; with several topics, its topic stands before it. What else happens is
    told on the standard error: that the backend is reached or away, and where messages may be
    missing.

    \b
      sock subscribe redis://localhost room:7
      sock subscribe nats://localhost room:7 room:8 --json
      sock subscribe redis://localhost room:7 --count 1
    """  # noqa: D301 - as above
    from sock.pubsub.backends.choice import backend_of
    from sock.pubsub.topic import check_topic

    try:
        for topic in topics:
            check_topic(topic)
        make = backend_of(url)
    except ImportError as error:
        fail(_sentence(error), CANNOT_START)
    except ValueError as error:
        fail(_sentence(error), NOT_THERE)
    if make is None:
        fail(
            f"{url!r} reaches no other process: name a broker, such as redis://localhost, or a"
            " folder, such as host:/run/chat.",
            NOT_THERE,
        )
    shown = _Shown(as_json=as_json, with_topic=len(topics) > 1, count=count)
    try:
        asyncio.run(_listen(url, make(), topics, shown))
    except BrokenPipeError:  # such as of `| head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        fail(_sentence(error), CANNOT_START)


class _Message(NamedTuple):
    kind: str
    text: str
    """As a line shows it."""
    value: Any
    """As JSON has it."""


class _AnyPayloads:
    """Takes the messages of any PubSub."""

    @staticmethod
    def decode(kind: int, payload: bytes) -> _Message:
        """Return a message.

        Raises:
            ValueError: it is none.
        """
        if not 0 <= kind < len(_KINDS):
            raise ValueError(f"a message of the kind {kind}, which is not known")
        if _KINDS[kind] == "binary":
            return _Message("binary", repr(payload), base64.b64encode(payload).decode())
        text = payload.decode()
        try:
            value = json.loads(text) if _KINDS[kind] == "json" else text
        except RecursionError:
            raise ValueError("JSON that is too deep") from None
        return _Message(_KINDS[kind], text, value)


@final
class _Shown:
    """Shows what comes, and tells when that is enough."""

    def __init__(self, *, as_json: bool, with_topic: bool, count: int | None) -> None:
        self._as_json = as_json
        self._with_topic = with_topic
        self._left = count
        self.ended = asyncio.Event()
        self.error: OSError | None = None

    def of(self, topic: str) -> _Listener:
        """Return what shows the messages of one topic."""
        return _Listener(topic, self)

    def show(self, topic: str, info: object) -> None:
        """Show a message, or a gap."""
        if self.ended.is_set():
            return
        if not isinstance(info, _Message):
            click.echo(f"sock: messages of {topic!r} may be missing here.", err=True)
            return
        try:
            click.echo(self._line(topic, info))
        except OSError as error:
            self.error = error
            self.ended.set()
            return
        if self._left is not None:
            self._left -= 1
            if not self._left:
                self.ended.set()

    def _line(self, topic: str, message: _Message) -> str:
        if self._as_json:
            return json.dumps({"topic": topic, "kind": message.kind, "message": message.value})
        text = f"{topic}: {message.text}" if self._with_topic else message.text
        return text.translate(_ESCAPES)


@final
class _Listener:
    """Stands in the place of a connection: the registry sends it what comes."""

    def __init__(self, topic: str, shown: _Shown) -> None:
        self._topic = topic
        self._shown = shown

    def send(self, info: object) -> None:
        """Show it."""
        self._shown.show(self._topic, info)

    def add_done_callback(self, callback: object) -> None:
        """Never end."""


async def _listen(url: str, backend: Any, topics: tuple[str, ...], shown: _Shown) -> None:
    from sock import telemetry
    from sock.pubsub.backends.choice import masked
    from sock.pubsub.running import Running

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, shown.ended.set)
    unsubscribe = telemetry.subscribe(_tell)
    payloads: Any = _AnyPayloads()
    running: Running = Running(masked(url), payloads, backend, ())
    try:
        ended = asyncio.ensure_future(shown.ended.wait())
        subscribing = asyncio.ensure_future(_subscribe(running, topics, shown))
        await asyncio.wait({ended, subscribing}, return_when=asyncio.FIRST_COMPLETED)
        if subscribing.done():
            subscribing.result()
            await ended
        subscribing.cancel()
    finally:
        await running.stop()
        unsubscribe()
    if shown.error is not None:
        raise shown.error


async def _subscribe(running: Running, topics: tuple[str, ...], shown: _Shown) -> None:
    from sock.pubsub import BackendDown

    await running.begin()
    if running.has_ended:
        raise OSError(str(running.error))
    for topic in topics:
        listener: Any = shown.of(topic)
        running.registry.subscribe(topic, listener, gaps=True)
        try:
            await running.subscribe_at_backend(topic)
        except BackendDown as error:
            raise OSError(f"{topic!r}: {error}") from error
    if running.is_up:
        click.echo(f"sock: listening to {', '.join(map(repr, topics))}.", err=True)


def _tell(event: str, fields: Mapping[str, Any]) -> None:
    """Say on the standard error what a log would say."""
    if event == "pubsub.down":
        click.echo(
            f"sock: {fields['url']} is away, and is tried again and again: {fields['error']}",
            err=True,
        )
    elif event == "pubsub.connected":
        click.echo(f"sock: connected with {fields['url']}.", err=True)
    elif event == "pubsub.rejected" and fields["count"] == 1:
        click.echo(f"sock: dropped what is no message of Sock: {fields['error']}", err=True)


def _sentence(error: Exception) -> str:
    text = str(error).rstrip(".")
    return text if text.endswith("?") else f"{text}."
