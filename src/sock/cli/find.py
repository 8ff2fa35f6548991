"""Find what MODULE:NAME names: an application, a factory or Options; or suggest a similar name."""

from __future__ import annotations

import inspect
import pkgutil
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sock import Sock, Wrapper
from sock.hosting.application import accepts_arguments, is_asgi_application

from .failure import CANNOT_START, NOT_THERE, fail, show_user_traceback

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def find(
    target: str,
    folder: Path,
    *,
    what: str = "APP",
    offer: Callable[[ModuleType], str] | None = None,
) -> Any:
    """Return the object that a name stands for; else fail with one line that names what there is.

    Args:
        target: the name of a module and, behind a colon, the name of an object in it.
        folder: where the module is looked for first.
        what: the kind of object that is looked for, as the usage calls it.
        offer: says which objects of that kind a module has; None for applications.
    """
    offer = offer or _offer
    module_name, _, name = target.partition(":")
    if module_name.endswith(".py"):
        better = ".".join(Path(module_name).with_suffix("").parts)
        fail(
            f"{module_name!r} is a file. Did you mean '{better}:{name or what.lower()}'?", NOT_THERE
        )
    if not all(part.isidentifier() for part in module_name.split(".")):
        fail(f"{module_name!r} is not the name of a module. Say MODULE:{what}.", NOT_THERE)
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))
    module = _import(module_name, folder)
    if not name:
        which = "application" if what == "APP" else what
        fail(f"{target!r} does not say which {which}. {offer(module)}", NOT_THERE)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = _nearest(part, found) if found is module else None
            hint = f"Did you mean '{module_name}:{near}'?" if near else offer(module)
            fail(f"{module_name!r} has no {name!r}. {hint}", NOT_THERE)
        found = getattr(found, part)
    return found


def _import(name: str, folder: Path) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            show_user_traceback(error)
            fail(f"{name!r} cannot be imported.", CANNOT_START)
        parent, _, last = missing.rpartition(".")
        near = get_close_matches(last, _siblings(parent, folder), n=1)
        hint = ""
        if near:
            better = f"{parent}.{near[0]}" if parent else near[0]
            hint = f" Did you mean '{better}{name[len(missing) :]}'?"
        fail(f"no module named {name!r}.{hint}", NOT_THERE)
    except Exception as error:  # noqa: BLE001 - it is the user's code: all that it raises is printed
        place = _place_of_syntax_error(error)
        if place is not None:
            fail(f"{name!r} cannot be imported. Mend {place}", CANNOT_START)
        show_user_traceback(error)
        fail(f"{name!r} cannot be imported.", CANNOT_START)


def _place_of_syntax_error(error: Exception) -> str | None:
    """Return the file, the line and what is wrong there; None for an error of another kind."""
    if not isinstance(error, SyntaxError) or error.filename is None or error.lineno is None:
        return None
    file = Path(error.filename)
    if not file.is_file():  # code that the user's code has made: the traceback says where
        return None
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f"{shown}, line {error.lineno}: {type(error).__name__}, {error.msg}"


def _siblings(parent: str, folder: Path) -> set[str]:
    """Return the names of the modules in a package, or in the folder."""
    paths: list[str] = [str(folder)]
    if parent:
        paths = list(getattr(sys.modules.get(parent), "__path__", []))
    names = {module.name for module in pkgutil.iter_modules(paths)}
    for path in map(Path, paths):
        # A folder without an __init__.py is a package too.
        if path.is_dir():
            names |= {inner.parent.name for inner in path.glob("*/*.py")}
    return names


def is_asgi(found: Any) -> bool:
    """Tell whether an object is an ASGI 3 application: called with a scope and two callables.

    A wrapper with `*args`, or one without a signature, counts as one, unless it is made of a Sock
    class: an application of Sock's declares that it takes a request.
    """
    if is_asgi_application(found):
        return True
    inner: Any = getattr(found, "func", found)  # of a functools.partial
    if isinstance(inner, type) or not callable(found):
        return False
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return True
    return bool(parameters) and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL


def problem_of_app(found: Any) -> str | None:
    """Say why an object is not an application; None if it is one."""
    if not callable(found):
        return f"it is of type {type(found).__name__} and cannot be called with a request"
    if is_asgi(found):
        return None
    if isinstance(found, type) and not issubclass(found, Sock):
        return "it is a class, but not a subclass of Sock"
    if isinstance(found, type) and issubclass(found, Wrapper):
        return f"it is a wrapper. Put it around an application: around(app, {found.__name__})"
    if accepts_arguments(found, 1) is not False:
        return None
    if isinstance(found, type):
        return (
            "its constructor does not take one request and nothing else. Name a function that takes"
            f" a request and returns {found.__name__}(…)"
        )
    if accepts_arguments(found, 0):
        return "it takes no request. With --factory it is called, and returns the application"
    return "it does not take one request and nothing else"


def _nearest(name: str, module: ModuleType) -> str | None:
    """Return the public name in a module that the user probably meant."""
    spelled = {one.lower(): one for one in vars(module) if not one.startswith("_")}
    near = get_close_matches(name.lower(), spelled, n=1)
    return spelled[near[0]] if near else None


def _offer(module: ModuleType) -> str:
    names = _applications(module)
    if names:
        return f"It has these applications: {', '.join(names)}."
    return "It has no applications."


def _applications(module: ModuleType) -> list[str]:
    """Return the names that look like applications: callables first, then Sock classes.

    A class whose constructor takes more than a request is made by one of the callables.
    """
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    functions = [name for name, value in public.items() if _looks_like_app(value, module)]
    classes = [
        name
        for name, value in public.items()
        if isinstance(value, type)
        and issubclass(value, Sock)
        and not issubclass(value, Wrapper)
        and value.__module__ != "sock"
        and accepts_arguments(value, 1) is not False
    ]
    return [*functions, *classes]


def _looks_like_app(value: Any, module: ModuleType) -> bool:
    if callable(value) and not inspect.isroutine(value) and is_asgi_application(value):
        return True  # FastAPI() and its like
    if isinstance(value, type) or not callable(value) or accepts_arguments(value, 1) is not True:
        return False
    if not inspect.isfunction(value):
        return type(value).__module__ not in {"typing", "builtins"}
    first = next(iter(inspect.signature(value).parameters.values()))
    takes_request = first.name == "request" or "Request" in str(first.annotation)
    return value.__module__ == module.__name__ and takes_request
