"""What every host must do, as cases that can be pointed at any host.

Each case cites the statements of the specification that it proves. `LEVELS` has all statements, and
`UNSEEN` those that no case can see.

Serve `sock.testing.contract:app` with the host, then

    python -m sock.testing.contract ws://127.0.0.1:8000

or, with pytest, one test for each case:

    @pytest.mark.parametrize("case", contract.CASES, ids=str)
    async def test_the_contract(url, case):
        await contract.check(url, case)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from sock.spec import Application, Routes

from . import (
    application,
    beginning,
    callbacks,
    closing,
    coded,
    codes,
    composition,
    contexts,
    deadlines,
    draining,
    ending,
    failing,
    finishing,
    frames,
    handshake,
    head,
    holding,
    hosted,
    last,
    options,
    order,
    outside,
    precedence,
    pressure,
    refs,
    refused,
    request,
    results,
    sharing,
    streams,
    tasks,
    values,
    wrappers,
    wrapping,
)
from .case import Case as Case
from .case import registered
from .limits import LIMITS as LIMITS
from .matrix import MATRIX
from .statements import LEVELS as LEVELS
from .statements import UNSEEN as UNSEEN
from .subject import run_of, service
from .suite import Outcome as Outcome
from .suite import Verdict as Verdict
from .suite import check as check
from .suite import check_all as check_all
from .talk import DRAIN_BOUND as DRAIN_BOUND
from .talk import Drain as Drain
from .verdict import Advice as Advice
from .verdict import Failure as Failure
from .verdict import Skipped as Skipped

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from sock.spec import Answer, App, Request

__all__ = [
    "CASES",
    "DRAIN_BOUND",
    "LEVELS",
    "LIMITS",
    "UNSEEN",
    "Advice",
    "Case",
    "Drain",
    "Failure",
    "Outcome",
    "Skipped",
    "Verdict",
    "app",
    "check",
    "check_all",
]

_MODULES: Final = (
    hosted,
    head,
    beginning,
    results,
    callbacks,
    order,
    streams,
    contexts,
    failing,
    ending,
    finishing,
    precedence,
    last,
    closing,
    draining,
    pressure,
    outside,
    handshake,
    codes,
    options,
    wrappers,
    wrapping,
    composition,
    coded,
    refs,
    sharing,
    tasks,
    holding,
    deadlines,
    values,
    request,
    refused,
    frames,
    application,
)  # imported for the cases that they register

CASES: Final[tuple[Case, ...]] = (*MATRIX, *registered)
"""Every case: the matrix of callbacks and results, then the statements one by one."""

_BY_PATH: Final = {f"/contract/{case.name}": case for case in CASES}


def _answer(request: Request) -> Answer | Awaitable[Answer]:
    case = _BY_PATH.get(request.path)
    if case is None:
        return service(request)
    run_of(request)  # what is reported from now on belongs to the run
    return case.answer(request)


_routes: Final = Routes(
    {
        **{f"/contract/{name}": known for name, known in composition.KNOWN_CLASSES.items()},
        "/{rest:path}": _answer,
    }
)

app: Final[App] = partial(
    Application(_routes, lifespan=application.lifespan, options=application.OPTIONS)
)
"""The application under test: it answers with the Sock of a case, or with what belongs to its run.

It is made in the way in which hosts have most to look for: its lifespan and its options are
attributes of what is inside of a `functools.partial` ([S19.1]).
"""
