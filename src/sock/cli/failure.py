"""How the command fails: with one line that says what is wrong, and an exit code."""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

if TYPE_CHECKING:
    from types import TracebackType

CANNOT_START: Final = 1
"""The exit code when the server cannot start, such as for a port in use."""

NOT_THERE: Final = 2
"""The exit code when a module, an application or an option in the command does not exist."""

_HERE: Final = str(Path(__file__).parent.parent)


def fail(message: str, code: int) -> NoReturn:
    """Print what is wrong, and end the process with an exit code."""
    click.echo(f"sock: {message}", err=True)
    sys.exit(code)


def show_user_traceback(error: BaseException) -> None:
    """Print the traceback of the user's code, from its first line on."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


def _is_ours(file: str) -> bool:
    return file.startswith(_HERE) or "importlib" in file or file == contextlib.__file__
