"""The host of an application, as the application sees it."""

# Annotations are evaluated, so that get_type_hints reads them under the name sock.Host.
import re
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Final, final

SPECIFICATION: Final = "1.1"
"""The version of the specification that this package keeps [S0.7]."""

_NUMBER = re.compile(r"S[0-9]+\.[0-9]+")


@final
@dataclass(frozen=True, slots=True, init=False)
class Host:
    """Who hosts an application, and what it cannot do; `Request.host` has it.

    An application can ask at run time for what it needs: whether a handler is told of pings, or
    whether a peer that is slow holds a handler back. The numbers are those of the specification.

    Args:
        name: such as "sock", "uvicorn" or "asgi"; empty where a request was made without a host.
        specification: the version of the specification that the host follows.
        declared: the numbers of the statements that do not hold on this host, or only in part; any
            iterable of them, kept as a frozenset.

    Raises:
        ValueError: a number does not have the form "S5.1".
        TypeError: an argument has the wrong type.

    >>> host = Host("a server", declared=["S5.2", "S5.3"])
    >>> "S5.3" in host.declared, "S5.1" in host.declared
    (True, False)
    """

    name: str
    _: KW_ONLY
    specification: str
    declared: frozenset[str]

    def __init__(
        self, name: str, *, specification: str = SPECIFICATION, declared: Iterable[str] = ()
    ) -> None:
        _check_text("name", name)
        _check_text("specification", specification)
        if isinstance(declared, str):
            raise TypeError(f"a host declares several numbers, not the text {declared!r}")
        numbers = frozenset(declared)
        for number in numbers:
            _check_text("number of a statement", number)
            if not _NUMBER.fullmatch(number):
                raise ValueError(f"a statement has a number such as S5.1, not {number!r}")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "specification", specification)
        object.__setattr__(self, "declared", numbers)


def _check_text(what: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"the {what} is a str, not {value!r}")


NO_HOST: Final = Host("")
"""The host of a request that no host has made, such as one in a test of a handler."""
