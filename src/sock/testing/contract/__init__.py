"""What every host must do, as cases that can be pointed at any host.

Serve `sock.testing.contract:app` with the host, then

    python -m sock.testing.contract ws://127.0.0.1:8000

or, with pytest, one test for each case:

    @pytest.mark.parametrize("case", contract.CASES, ids=str)
    async def test_the_contract(url, case):
        await contract.check(url, case)
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from sock.spec import HandshakeError, ProtocolError

from . import codes, contexts, ending, handshake, head, options, order, outside, pressure
from .case import LIMITS as LIMITS
from .case import Case as Case
from .case import Drain as Drain
from .case import Enough, Talk, registered
from .case import Failure as Failure
from .case import Skipped as Skipped
from .matrix import MATRIX
from .subject import service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from sock.spec import Answer, Request

__all__ = ["CASES", "LIMITS", "Case", "Drain", "Failure", "Skipped", "app", "check"]

_MODULES: Final = (
    head,
    order,
    contexts,
    ending,
    pressure,
    outside,
    handshake,
    codes,
    options,
)  # imported for the cases that they register

CASES: Final[tuple[Case, ...]] = (*MATRIX, *registered)
"""Every case: the matrix of callbacks and results, then the rules one by one."""

_BY_PATH: Final = {f"/contract/{case.name}": case for case in CASES}


def app(request: Request) -> Answer | Awaitable[Answer]:
    """Answer as the application under test: the Sock of a case, or what belongs to its run."""
    case = _BY_PATH.get(request.path)
    return service(request) if case is None else case.answer(request)


async def check(
    url: str,
    case: Case,
    *,
    limits: Collection[str] = (),
    drain: Drain | None = None,
    patience: float = 5.0,
) -> None:
    """Prove that a host does what a case asks for.

    Args:
        url: where it serves `app`, such as "ws://127.0.0.1:8000".
        case: one of `CASES`.
        limits: what the host declares that it cannot do, of `LIMITS`.
        drain: asks the host to stop gracefully; afterwards it is not used any more. None skips the
            cases that need it.
        patience: seconds to wait for whatever is waited for.

    Raises:
        Failure: the host does something else.
        Skipped: the case needs what the host cannot do.
        ValueError: there is no such limit.
    """
    if unknown := set(limits) - set(LIMITS):
        raise ValueError(f"{', '.join(sorted(unknown))}: not among {', '.join(LIMITS)}")
    missing = set(limits) if drain is not None else {*limits, "drain"}
    if lacks := sorted(case.needs & missing):
        raise Skipped("; ".join(f"the host {LIMITS[limit]}" for limit in lacks))
    try:
        async with Talk(url, case, drain, patience, limits) as talk:
            with contextlib.suppress(Enough):
                await case.conversation(talk)
    except TimeoutError as error:
        raise Failure(f"the host was silent for {patience} s") from error
    except (OSError, ProtocolError, HandshakeError) as error:
        raise Failure(f"{type(error).__name__}: {error}") from error
