"""What `sock run` does with `--workers` or `--reload`: it runs the supervisor, or is a worker.

the process                            imports the application  listens
-------------------------------------  -----------------------  ----------------------------------
the supervisor                         no                       binds, and hands the sockets over
a worker: the same command once more,  yes                      where the supervisor has bound
with a variable that makes it one
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from .declared.workers import AUTO
from .failure import CANNOT_START, NOT_THERE, fail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sock.observe.metrics import Totals

RELOAD_DRAIN: Final = 2.0
"""Seconds for a drain with --reload, where no time is given: a developer waits for it."""

_NEED_WORKERS: Final = ("worker_timeout", "max_worker_memory", "max_worker_age", "control")
_NEED_RELOAD: Final = ("reload_dir", "reload_include")

_BLOCKED: Final = 60.0
"""Seconds for which an event loop may be blocked, where no time is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """The options of the section "Workers", as they were given."""

    workers: int | str | None
    worker_timeout: float | None
    max_worker_memory: int | None
    max_worker_age: float | None
    control: Path | None
    reload: bool
    reload_dir: Sequence[str]
    reload_include: Sequence[str]

    @classmethod
    def taken_from(cls, settings: dict[str, Any]) -> Self:
        """Take these options out of those of the command."""
        return cls(**{name: settings.pop(name) for name in cls.__dataclass_fields__})

    def check(self, sources: Mapping[str, str]) -> None:
        """Refuse what would have no effect: an option about workers, or about reloading, alone."""
        missing = {name: "--workers" for name in _NEED_WORKERS if not self.wanted}
        missing |= {name: "--reload" for name in _NEED_RELOAD if not self.reload}
        for name, needed in missing.items():
            if getattr(self, name) not in {None, ()}:
                fail(f"{sources[name]} has no effect here: say {needed} too.", NOT_THERE)

    @property
    def wanted(self) -> bool:
        """Whether there is to be a supervisor."""
        return self.reload or self.workers is not None


def supervise(
    workers: Workers,
    *,
    folder: Path,
    host: str = "",
    port: int = 0,
    bind: Sequence[str] = (),
    log_level: str,
    log_format: str,
    totals: Totals | None = None,
) -> None:
    """Run the supervisor until a signal comes, and exit with a code if that is not 0.

    Args:
        workers: how many, and when they are replaced.
        folder: that of the application.
        host: a name or an address.
        port: 0 for one that is free.
        bind: addresses in place of host and port.
        log_level: the lowest level that is shown.
        log_format: "text" or "json".
        totals: adds up the figures of the workers; None where there are no metrics.
    """
    from sock.server.address import TcpAddress, read_addresses
    from sock.server.supervisor.cores import available_cores
    from sock.server.supervisor.run import Settings, supervise
    from sock.server.supervisor.supervisor import Limits
    from sock.server.supervisor.watching import Watched

    watched = None
    if workers.reload:
        if importlib.util.find_spec("watchfiles") is None:
            fail("watchfiles is not installed: pip install 'sockpy[reload]'", CANNOT_START)
        folders = [Path(one).resolve() for one in workers.reload_dir] or [folder]
        watched = Watched(folders, workers.reload_include)
    timeout = workers.worker_timeout
    if timeout is None:  # with --reload, a debugger may block the loop for as long as it likes
        timeout = 0.0 if workers.reload else _BLOCKED
    count = workers.workers
    settings = Settings(
        workers=available_cores() if count == AUTO else int(count or 1),
        limits=Limits(
            timeout=timeout, memory=workers.max_worker_memory, age=workers.max_worker_age
        ),
        watched=watched,
        control=workers.control,
        log_level=log_level,
        log_format=log_format,
        totals=totals,
    )
    code = supervise(settings, read_addresses(bind) or [TcpAddress(host, port)])
    if code:
        sys.exit(code)
