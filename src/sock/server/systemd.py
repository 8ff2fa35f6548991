"""systemd's two protocols: the sockets that it hands over, and what it is told.

    told                                       when
    -----------------------------------------  ------------------------------------------------
    READY=1                                    the server accepts connections
    RELOADING=1, MONOTONIC_USEC=…              a reload begins; READY=1 follows at its end
    STOPPING=1                                 the drain begins
    WATCHDOG=1                                 in half of the time that WatchdogSec= allows

Where the process was not started by systemd, or its unit has no `Type=notify`, nothing is told.

sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_FIRST: Final = 3
"""The descriptor of the first socket that is handed over, SD_LISTEN_FDS_START."""


def listening_descriptors() -> list[tuple[int, str]]:
    """Return the descriptors that systemd has handed over to this process, with their names."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []  # they are for a parent of this process
    count = os.environ.get("LISTEN_FDS", "")
    if not (count.isascii() and count.isdigit()):
        return []
    named = os.environ.get("LISTEN_FDNAMES", "")
    names = named.split(":") if named else []
    names += ["unknown"] * (int(count) - len(names))
    return list(zip(range(_FIRST, _FIRST + int(count)), names, strict=False))


def tell(*lines: str) -> None:
    """Tell systemd something about this service, such as "READY=1"."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path or not hasattr(socket, "AF_UNIX"):
        return
    # What cannot be told is no reason for a server to end.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.settimeout(0)
        told.sendto("\n".join(lines).encode(), "\0" + path[1:] if path[0] == "@" else path)


def tell_ready() -> None:
    """Tell systemd that the service has started, or that a reload is over."""
    tell("READY=1")


def tell_reloading() -> None:
    """Tell systemd that a reload has begun (`Type=notify-reload`)."""
    tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def tell_stopping() -> None:
    """Tell systemd that the service is stopping."""
    tell("STOPPING=1")


def watchdog_interval() -> float | None:
    """Return the seconds between two signs of life; None where systemd expects none.

    It is half of the time after which systemd ends the service.
    """
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    if not (microseconds.isascii() and microseconds.isdigit() and int(microseconds)):
        return None
    return int(microseconds) / 2_000_000


@asynccontextmanager
async def watched() -> AsyncGenerator[None]:
    """Give signs of life from the event loop: a loop that is blocked gives none."""
    seconds = watchdog_interval()
    if seconds is None or "NOTIFY_SOCKET" not in os.environ:
        yield
        return
    signs = asyncio.create_task(_give_signs(seconds))
    try:
        yield
    finally:
        signs.cancel()
        with suppress(asyncio.CancelledError):
            await signs


async def _give_signs(seconds: float) -> None:
    while True:
        tell("WATCHDOG=1")
        await asyncio.sleep(seconds)
