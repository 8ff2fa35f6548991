"""The options of `sock run`: a module for each section of its help, in the order of the help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import application, limits, listening, log, metrics, proxies, tls, workers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["options_of_run"]

_SECTIONS: Final = (application, listening, tls, proxies, workers, log, metrics, limits)


def options_of_run(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare all of them for a function, as a decorator."""
    for section in reversed(_SECTIONS):
        for option in reversed(section.OPTIONS):
            function = option(function)
    return function
