"""What a case is, and how a module registers the cases in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from sock.spec import Options, Upgrade

from .statements import is_required

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from sock.spec import Answer, Request, Sock

    from .talk import Talk

Conversation: TypeAlias = "Callable[[Talk], Awaitable[None]]"


@final
@dataclass(frozen=True, slots=True)
class Case:
    """One thing that every host must do, or should do.

    Args:
        name: what it is, also the path at which its Sock is.
        statements: the numbers of the statements of the specification that it proves.
        answer: the application of this case.
        conversation: the peer's side.
        needs: of `LIMITS`, what a host must be able to do for it.
    """

    name: str
    statements: tuple[str, ...]
    answer: Callable[[Request], Answer | Awaitable[Answer]]
    conversation: Conversation
    needs: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name

    @property
    def chapters(self) -> tuple[int, ...]:
        """The sections of the specification that its statements are in."""
        return tuple(sorted({int(number[1:].partition(".")[0]) for number in self.statements}))

    @property
    def required(self) -> bool:
        """Whether a host must pass it. If not, all its statements say SHOULD."""
        return any(map(is_required, self.statements))


registered: Final[list[Case]] = []
"""The cases that `case` has made, in the order of the modules."""


def case(
    answer: Callable[[Request], Answer | Awaitable[Answer]] | type[Sock[Any, Any, Any]],
    statements: Iterable[str],
    *,
    needs: Iterable[str] = (),
    options: Options | None = None,
) -> Callable[[Conversation], Conversation]:
    """Register the case whose conversation is decorated; its name becomes the case's.

    Args:
        answer: the application of this case, such as a Sock class.
        statements: the numbers of those that it proves, such as "S7.5".
        needs: what a host must be able to do.
        options: limits of this connection.
    """

    def upgrade(request: Request) -> Answer | Awaitable[Answer]:
        made: Any = answer(request)
        return made if options is None else Upgrade(made, options=options)

    def register(conversation: Conversation) -> Conversation:
        name = getattr(conversation, "__name__", "")
        registered.append(Case(name, tuple(statements), upgrade, conversation, frozenset(needs)))
        return conversation

    return register
