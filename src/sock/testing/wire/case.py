"""What a case of the wire is: a number, a sentence, its paragraph, and a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .probe import Probe

Conversation: TypeAlias = "Callable[[Probe], Awaitable[None]]"

NEEDS: Final = {
    "echo": "no text message comes back: this is no echo server",
    "binary": "no binary message comes back",
    "compression": "permessage-deflate is not agreed on",
}
"""What a server may lack, so that cases are skipped; and how the report words the reason."""


class Level(Enum):
    """What the RFC says. Only a MUST makes a server fail."""

    MUST = "MUST"
    SHOULD = "SHOULD"


@final
@dataclass(frozen=True, slots=True)
class WireCase:
    """One thing that a server must or should do, whoever has made it.

    Args:
        number: the section and the place in it, such as "3.12".
        title: what the server does, as a sentence.
        level: whether the RFC says MUST or SHOULD.
        rfc: the paragraph.
        why: what happens to users of a server that does not.
        conversation: the client's side.
        needs: of `NEEDS`, what the server must have for it.
        alone: whether nothing else may run beside it, because it is a load for the machine.
    """

    number: str
    title: str
    level: Level
    rfc: str
    why: str
    conversation: Conversation
    needs: frozenset[str]
    alone: bool

    def __str__(self) -> str:
        return self.number


@final
@dataclass
class Section:
    """Cases about one thing. A new case goes to the end, so that no number changes.

    Args:
        number: of the section.
        name: for the command line.
        title: for a reader.
        why: why its cases matter, for those that say nothing of their own.
        alone: whether its cases run one after the other, and with nothing beside them.
    """

    number: int
    name: str
    title: str
    why: str
    alone: bool = False
    cases: list[WireCase] = field(default_factory=list[WireCase])

    def must(
        self, rfc: str, title: str, *needs: str, why: str = ""
    ) -> Callable[[Conversation], Conversation]:
        """Register the conversation that is decorated, for a MUST of the RFC.

        Args:
            rfc: the paragraph, such as "RFC 6455 §5.1".
            title: what the server does, as a sentence.
            needs: of `NEEDS`.
            why: what happens otherwise; the section's words if it is empty.
        """
        return partial(self._register, Level.MUST, rfc, title, needs, why)

    def should(
        self, rfc: str, title: str, *needs: str, why: str = ""
    ) -> Callable[[Conversation], Conversation]:
        """Register the conversation that is decorated, for a SHOULD; see `must`."""
        return partial(self._register, Level.SHOULD, rfc, title, needs, why)

    def _register(
        self,
        level: Level,
        rfc: str,
        title: str,
        needs: Iterable[str],
        why: str,
        conversation: Conversation,
    ) -> Conversation:
        self.cases.append(
            WireCase(
                number=f"{self.number}.{len(self.cases) + 1}",
                title=title,
                level=level,
                rfc=rfc,
                why=why or self.why,
                conversation=conversation,
                needs=frozenset(needs),
                alone=self.alone,
            )
        )
        return conversation
