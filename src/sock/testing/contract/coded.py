"""Section 22: a handler whose messages are values is called through its coding."""

# ruff: noqa: D103, ARG002 - the name of a case is its sentence; a handler takes what the contract gives it
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sock.spec import Stop

from .case import case
from .refs import Keeps

if TYPE_CHECKING:
    from collections.abc import Callable

    from sock.spec import Ref

    from .talk import Talk


class _Coded(Keeps):
    """Takes and returns numbers, which are decimal digits on the wire. No library is needed."""

    def coded(  # pyright: ignore[reportIncompatibleVariableOverride] - a Sock has None there
        self, callback: Callable[[Any], Any], name: str
    ) -> Callable[[Any], Any]:
        """Return what the host is to call."""

        def through(argument: Any) -> Any:
            result = callback(int(argument) if name == "handle_in" else argument)
            if isinstance(result, Stop):
                return Stop(result.code, f"from {name}")
            return str(result) if isinstance(result, int) else result

        return through

    def init(self, ref: Ref[Any], /) -> int:
        super().init(ref)
        return 1

    def handle_in(self, message: int, /) -> int:
        if not message:
            self.ref.spawn(self.stop())
        return message + 1

    def handle_info(self, info: Any, /) -> int:
        return 100

    async def stop(self) -> None:
        raise Stop(4001)


@case(_Coded, ["S22.1"])
async def each_callback_of_a_handler_with_a_coding_is_called_through_it(talk: Talk) -> None:
    client = await talk.open()
    await client.send("41")
    await talk.hears(client, "1", "42")
    await talk.post("an info")
    await talk.hears(client, "100")


@case(_Coded, ["S22.1"])
async def a_stop_that_a_spawned_task_raises_goes_through_the_coding_too(talk: Talk) -> None:
    client = await talk.open()
    await client.send("0")
    await talk.hears(client, "1", "1")
    await talk.is_closed(client, 4001, "from spawn")
