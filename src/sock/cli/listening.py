"""Where `sock run` listens: what its options say, and why it cannot listen there."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Any, Final

import click

from .failure import CANNOT_START, NOT_THERE, fail
from .options import as_given

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

HOST: Final = "127.0.0.1"
PORT: Final = 8000

_IN_PLACE_OF: Final = ("host", "port", "uds")


def checked_texts(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the texts of --bind as they are, when each of them is an address."""
    from sock.server.address import read_address

    for text in texts:
        try:
            read_address(text)
        except ValueError as error:
            raise click.BadParameter(f"{text!r}: {error}") from None
    return texts


def check_addresses(settings: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Refuse --bind and --uds together with what they take the place of, and a wrong path."""
    from sock.server.address import read_address

    if (uds := settings["uds"]) is not None:
        for name in ("host", "port"):
            if settings[name] is not None:
                fail(f"{sources['uds']} is given in place of {sources[name]}.", NOT_THERE)
        try:
            read_address(f"unix:{uds}")
        except ValueError as error:
            fail(f"{as_given(sources['uds'], uds)}: {error}.", NOT_THERE)
    for name in _IN_PLACE_OF if settings["bind"] else ():
        if settings[name] is not None:
            fail(
                f"{sources['bind']} is given in place of {sources[name]}; it may be given several"
                " times.",
                NOT_THERE,
            )


def for_our_server(
    host: str | None, port: int | None, uds: str | None, bind: Sequence[str]
) -> dict[str, Any]:
    """Return the arguments of `sock.run` that say where it listens."""
    if uds is not None:
        bind = (f"unix:{uds}",)
    if bind:
        return {"bind": tuple(bind)}
    return {"host": HOST if host is None else host, "port": PORT if port is None else port}


def for_uvicorn(
    target: str,
    sources: Mapping[str, str],
    host: str | None,
    port: int | None,
    uds: str | None,
    bind: Sequence[str],
) -> dict[str, Any]:
    """Return the settings of uvicorn that say where it listens: on one address."""
    from sock.server.address import TcpAddress, UnixAddress, read_address

    if bind:
        only = read_address(bind[0])
        if len(bind) > 1:
            problem = "uvicorn listens on one address, and not on several"
        elif isinstance(only, TcpAddress):
            host, port, problem = only.host, only.port, ""
        elif isinstance(only, UnixAddress) and only.mode is None and only.path[0] != "@":
            uds, problem = only.path, ""
        else:
            problem = f"uvicorn cannot listen on {bind[0]}"
        if problem:
            fail(
                f"{sources['bind']}: {target!r} is an ASGI application, which uvicorn runs, and"
                f" {problem}.",
                NOT_THERE,
            )
    return {
        "host": HOST if host is None else host,
        "port": PORT if port is None else port,
        "uds": uds,
    }


@contextlib.contextmanager
def listening() -> Generator[None]:
    """Fail with one line that says why the server cannot listen there."""
    from sock.server.binding import CannotListen

    try:
        yield
    except CannotListen as error:
        tcp = error.errno == errno.EADDRINUSE and str(error).startswith("port ")
        fail(f"{error}. --port 0 picks a free one." if tcp else f"{error}.", CANNOT_START)


async def try_listening(host: str, port: int) -> None:
    """Bind and close at once: uvicorn binds later, and would report a problem in its own way."""
    from sock.server.address import TcpAddress
    from sock.server.binding import bind_all

    for bound in await bind_all([TcpAddress(host, port)]):
        bound.close()
