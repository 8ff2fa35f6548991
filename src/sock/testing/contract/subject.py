"""The application under test: it is what a host under test serves, and keeps a journal of each run.

    path                what is there
    ------------------  ---------------------------------------------------------------------
    /contract/NAME      the Sock of that case
    /journal            pushes what was recorded, as a JSON list, once the run is over; stops
    /journal?now        the same, at once
    /release            lets go what waits for `released`; stops
    /post?info=…        sends an info to the case's Sock, pushes whether its ref is closed; stops
    /send_all?info=…    sends an info to all Socks of the run; stops
    /stop?code=…        stops the case's Sock, pushes whether its ref is closed; stops
    /pending            pushes how many bytes wait for the peer of the case's Sock; stops
    /closed             pushes whether the ref of the case's Sock is closed; stops
    /idle               a Sock that does nothing
    /reports?about=…    pushes what the host has reported since the run began, as a JSON list;
                        with `&ever=1`, since its process began; stops

With `&thread`, `/send_all` and `/stop` do it in another thread.

Each with `?run=ID`, which the case makes up. All is done over WebSockets, so that a host which
serves nothing else can be tested, in another process too, as long as that is one process.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, final

from sock.live.ref import send_all
from sock.spec import Failed, Remote, Response, Sock, Stop

from . import reports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sock.spec import Answer, Reason, Ref, Request

_MAX_RUNS: Final = 1024
_PATIENCE: Final = 5.0  # seconds


@final
class Run:
    """What one run of a case leaves behind, in the host's process.

    Args:
        name: that the case has made up.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.mark = reports.mark()
        self.records: list[str] = []
        self.refs: list[Ref[Any]] = []
        self.hosts: list[object] = []
        self.released = asyncio.Event()
        self.over = asyncio.Event()

    def error(self) -> LookupError:
        """Return an exception that a report of it can be told by, and a leak of it to the peer."""
        return LookupError(reports.private_text(self.name))


_runs: dict[str, Run] = {}


class Subject(Sock[Any, Any, Any]):
    """The base of all Socks under test: notes what is called, and when it is over."""

    def __init__(self, request: Request) -> None:
        self.run = run_of(request)
        self.note("made")

    def note(self, what: str) -> None:
        """Write into the journal."""
        self.run.records.append(what)

    def init(self, ref: Ref[Any], /) -> Any:
        """Note it."""
        self.note("init")
        self.run.refs.append(ref)

    def terminate(self, reason: Reason, /) -> Any:
        """Note it: the run is over."""
        self.note(f"terminate {_named(reason)}")
        self.run.over.set()


class _Journal(Sock):
    def __init__(self, request: Request) -> None:
        self.run = run_of(request)
        self.now = "now" in request.query

    async def init(self, _: Ref[Any], /) -> Stop:
        if not self.now:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self.run.over.wait()
            except TimeoutError:
                self.run.records.append("(not over)")
        return Stop(messages=json.dumps(self.run.records))


class _Release(Sock):
    def __init__(self, request: Request) -> None:
        self.run = run_of(request)

    def init(self, _: Ref[Any], /) -> Stop:
        self.run.released.set()
        return Stop()


class _Post(Sock):
    def __init__(self, request: Request) -> None:
        self.run = run_of(request)
        self.info = request.query["info"]

    def init(self, _: Ref[Any], /) -> Stop:
        ref = self.run.refs[0]
        ref.send(self.info)
        return Stop(messages=json.dumps(ref.closed))


class _SendAll(Sock):
    def __init__(self, request: Request) -> None:
        self.run = run_of(request)
        self.query = request.query

    async def init(self, _: Ref[Any], /) -> Stop:
        everybody = tuple(self.run.refs)
        await _call(self.query, lambda: send_all(everybody, self.query["info"]))
        return Stop(messages="true")


class _Stop(_SendAll):
    async def init(self, _: Ref[Any], /) -> Stop:
        ref, code, detail = self.run.refs[0], int(self.query["code"]), self.query["detail"]
        await _call(self.query, lambda: ref.stop(code, detail))
        return Stop(messages=json.dumps(ref.closed))


class _Pending(_SendAll):
    async def init(self, _: Ref[Any], /) -> Stop:
        return Stop(messages=json.dumps(self.run.refs[0].pending))


class _Closed(_SendAll):
    async def init(self, _: Ref[Any], /) -> Stop:
        return Stop(messages=json.dumps(self.run.refs[0].closed))


class _Reports(_SendAll):
    async def init(self, _: Ref[Any], /) -> Stop:
        mark = 0 if "ever" in self.query else self.run.mark
        found = reports.reported(mark, self.query["about"])
        return Stop(messages=json.dumps(found))


async def _call(query: Mapping[str, str], do: Callable[[], None]) -> None:
    if "thread" in query:
        await asyncio.to_thread(do)
    else:
        do()


_SERVICES: Final[dict[str, Callable[[Request], Answer]]] = {
    "journal": _Journal,
    "release": _Release,
    "post": _Post,
    "send_all": _SendAll,
    "stop": _Stop,
    "pending": _Pending,
    "closed": _Closed,
    "idle": Sock,
    "reports": _Reports,
}


def service(request: Request) -> Answer:
    """Answer what is no case."""
    made = _SERVICES.get(request.path.strip("/"))
    return Response(404, f"no {request.path} in the contract\n") if made is None else made(request)


def run_of(request: Request) -> Run:
    """Return the run that a request belongs to."""
    name = request.query.get("run", "")
    run = _runs.get(name)
    if run is None:
        while len(_runs) >= _MAX_RUNS:
            del _runs[next(iter(_runs))]
        reports.watch()
        run = _runs[name] = Run(name)
    return run


def _named(reason: Reason) -> str:
    match reason:
        case Remote(code, detail):
            return f"Remote({int(code)}, {detail!r})"
        case Failed(error):
            return f"Failed({type(error).__name__})"
        case _:
            return f"{type(reason).__name__}()"
