"""A message on its way through a wrapper, and what the handler behind the wrapper answers.

    from the peer    incoming ─→ the handler
    to the peer      outgoing ←─ its result

`Wrapper` does the same for callers of its own methods. This is what a host calls for each message:
what does not change is looked up once, and compiled, nothing but the three functions is Python's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from .passing import check_passed, pass_raised, pass_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from .passing import Outgoing


def passed_call(callback: Callable[[Any], Any], argument: Any, outgoing: Outgoing) -> Any:
    """Call a callback of a handler, and show the messages of its result to `outgoing`."""
    try:
        result = callback(argument)
    except BaseException as error:
        stop = pass_raised(error, outgoing)
        if stop is None:
            raise
        raise stop from None
    passed: Any = None
    try:
        if type(result) is str or type(result) is bytes:
            passed = outgoing(result)
            if type(passed) is type(result):
                return passed
            return check_passed(passed, outgoing)
        return None if result is None else pass_result(result, outgoing)
    finally:
        del result, passed  # a Stop may have an exception, which refers to this frame


@final
class PassedMessages:
    """Takes the messages of a peer through a wrapper. Made by `short_way` of `wrapper`.

    It refers to the wrapper, which must not refer to it: the circle would keep both in memory.

    Args:
        incoming: of the wrapper; None if it sees nothing of them.
        handle_in: of the handler behind the wrapper.
        outgoing: of the wrapper; None if it sees nothing of them.
        accepted: the types of the messages that the handler takes.
        take_unusual: carries out what `incoming` has returned, if it is no message of these types.
    """

    __slots__ = (
        "_handle_in",
        "_incoming",
        "_outgoing",
        "_take_unusual",
        "_takes_binary",
        "_takes_text",
    )

    def __init__(
        self,
        incoming: Callable[[Any], Any] | None,
        handle_in: Callable[[Any], Any],
        outgoing: Outgoing | None,
        accepted: tuple[type[str | bytes], ...],
        take_unusual: Callable[[Any], Any],
    ) -> None:
        self._incoming = incoming
        self._handle_in = handle_in
        self._outgoing = outgoing
        self._takes_text = str in accepted
        self._takes_binary = bytes in accepted
        self._take_unusual = take_unusual

    def handle_in(self, message: Any) -> Any:
        """Take a message as `Wrapper.handle_in` does."""
        taken = message if self._incoming is None else self._incoming(message)
        if (type(taken) is str and self._takes_text) or (
            type(taken) is bytes and self._takes_binary
        ):
            if self._outgoing is None:
                return self._handle_in(taken)
            return passed_call(self._handle_in, taken, self._outgoing)
        try:
            return self._take_unusual(taken)
        finally:
            del taken  # a Stop may have an exception, which refers to this frame
