"""The metrics of `sock run`: where they are shown, and why they cannot be.

process            counts  shows
-----------------  ------  ----------------------
without workers    yes     its figures
a worker           yes     nothing
the supervisor     no      the sums of the workers
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

import click

from .failure import CANNOT_START, fail

if TYPE_CHECKING:
    from collections.abc import Generator

    from sock.observe.metrics import Figures, Totals
    from sock.server.supervisor.supervised import Supervised

    _Shown = TypeVar("_Shown", Figures, Totals)


def checked_address(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, int] | None:
    """Return the host and the port of --metrics."""
    from sock.server.address import TcpAddress, read_address

    if text is None:
        return None
    try:
        address = read_address(text)
    except ValueError:
        address = None
    if not isinstance(address, TcpAddress):
        raise click.BadParameter(f"{text!r}: it is HOST:PORT, such as 127.0.0.1:9100")
    return address.host, address.port


@contextlib.contextmanager
def counted(where: tuple[str, int] | None, supervised: Supervised | None) -> Generator[None]:
    """Count in this process, which serves, if metrics are wanted."""
    if where is None:
        yield
        return
    from sock.observe.metrics import Figures

    figures = Figures()
    if supervised is not None:  # its supervisor shows them
        supervised.figures = figures
        yield
    else:
        with figures, shown(figures, where):
            yield


@contextlib.contextmanager
def added_up(where: tuple[str, int] | None) -> Generator[Totals | None]:
    """Show the sums of workers, if metrics are wanted; yield what adds them up."""
    if where is None:
        yield None
        return
    from sock.observe.metrics import Totals

    totals = Totals()
    with shown(totals, where):
        yield totals


@contextlib.contextmanager
def shown(collector: _Shown, where: tuple[str, int]) -> Generator[None]:
    """Show metrics at an address."""
    from sock.observe.metrics import served

    host, port = where
    with contextlib.ExitStack() as serving:
        try:
            serving.enter_context(served(collector, host, port))
        except ImportError as error:
            fail(str(error), CANNOT_START)
        except OSError as error:
            fail(f"--metrics {host}:{port}: {error.strerror or error}.", CANNOT_START)
        yield
