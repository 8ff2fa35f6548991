"""What `sock run` does: find the application, read the options, and have it served.

the application                         is served by
--------------------------------------  --------------------------------
takes a request                         our server
takes a scope and two callables (ASGI)  uvicorn, with our protocol in it
is made in the event loop               our server, which makes it there
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sock.hosting.members import set_options_of_process
from sock.spec.options import SERVER_FIELDS

from . import make
from .failure import CANNOT_START, NOT_THERE, fail
from .find import find, is_asgi, problem_of_app
from .leaving import end_process_later
from .listening import check_addresses, for_our_server, for_uvicorn, listening, try_listening
from .options import as_given, options_of
from .proxies import proxies_for_our_server, proxies_for_uvicorn

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Mapping

    from sock import Options

_RELOAD_DRAIN: Final = 2.0
"""Seconds for a stop with --reload: one for callbacks under way, one that our protocol keeps."""

_OF_DRAINS: Final = frozenset(("drain_timeout", "drain_batch", "drain_interval"))
"""The limits that hold under uvicorn too, where the drain is ours."""

_OF_UVICORN: Final = (
    "workers",
    "reload",
    "reload_dir",
    "certificate",
    "key",
)


def start(
    target: str,
    limits: Mapping[str, Any],
    sources: Mapping[str, str],
    threads_before: Collection[threading.Thread],
    *,
    factory: bool,
    app_dir: str,
    health: str | None,
    options: str | None,
    **settings: Any,
) -> None:
    """Serve an application until a signal comes.

    Args:
        target: MODULE:APP.
        limits: texts for the fields of `Options`.
        sources: for each option the name by which it was given: the option, or its variable.
        threads_before: the threads that the process had at its start.
        factory: whether APP makes the application.
        app_dir: the folder where modules are looked for first.
        health: the path that the server itself answers.
        options: MODULE:OPTIONS.
        settings: all other options of the command, passed on to the server as they are.
    """
    of_uvicorn = {name: settings.pop(name) for name in _OF_UVICORN}
    _check(settings["loop"], of_uvicorn, health, sources)
    check_addresses(settings, sources)
    where = {name: settings.pop(name) for name in ("host", "port", "uds", "bind")}
    folder = Path(app_dir).resolve()
    found = find(target, folder)
    given_options = options_of(limits, options, folder, sources)
    # Each worker makes its own application. One made in this process would be one too many.
    made_elsewhere = factory and (of_uvicorn["reload"] or of_uvicorn["workers"] > 1)
    if factory:
        make.check_factory(found, target, called_here=not made_elsewhere)
        found = found if made_elsewhere else make.make(found, target)
    in_loop = factory and not made_elsewhere and make.needs_event_loop(found)
    if not (made_elsewhere or in_loop) and (problem := problem_of_app(found)) is not None:
        fail(f"{target!r} is not an application: {problem}.", NOT_THERE)
    if made_elsewhere or (not in_loop and is_asgi(found)):
        _run_uvicorn(
            target,
            found,
            given_options,
            threads_before,
            folder=folder,
            factory=factory,
            health=health,
            given_as={name: sources[name] for name, text in limits.items() if text},
            **for_uvicorn(target, sources, **where),
            **proxies_for_uvicorn(target, sources, settings),
            **settings,
            **of_uvicorn,
        )
        return
    asgi_only = {**of_uvicorn, "workers": of_uvicorn["workers"] > 1}
    for name, given in asgi_only.items():
        if given:
            fail(
                f"{sources[name]} is for ASGI applications only, which uvicorn runs;"
                f" {target!r} is not one. sock.asgi(app) makes it one.",
                NOT_THERE,
            )
    settings |= for_our_server(**where) | proxies_for_our_server(settings)
    _run_ours(target, found, in_loop=in_loop, options=given_options, health=health, **settings)


def _check(
    loop: str, of_uvicorn: Mapping[str, Any], health: str | None, sources: Mapping[str, str]
) -> None:
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        fail(
            "uvloop is not installed: pip install 'sockpy[uvloop]', or --loop asyncio",
            CANNOT_START,
        )
    if of_uvicorn["key"] and not of_uvicorn["certificate"]:
        fail(f"{sources['key']} is the key of a certificate: say --certificate too.", NOT_THERE)
    if health is not None and not health.startswith("/"):
        given = as_given(sources["health"], health)
        fail(f"{given}: a path begins with '/'. Did you mean '/{health}'?", NOT_THERE)


def _run_ours(target: str, found: Any, *, in_loop: bool, options: Options, **settings: Any) -> None:
    from sock import server

    with listening():
        if in_loop:
            making = functools.partial(make.made_in_loop, found, target, options)
            server.run_made(making, options=options, **settings)
        else:
            server.run(
                make.with_reported_lifespan(found, target, options), options=options, **settings
            )


def _run_uvicorn(
    target: str,
    found: Any,
    options: Options,
    threads_before: Collection[threading.Thread],
    *,
    folder: Path,
    given_as: Mapping[str, str],
    **settings: Any,
) -> None:
    for name in sorted(options.given - _OF_DRAINS):
        source = given_as.get(name, f"{name}, in --options,")
        # What only a server has is a setting of uvicorn's here.
        remedy = "" if name in SERVER_FIELDS else f", such as upgrade(…, Options({name}=…))"
        fail(
            f"{source} is for applications that Sock's own server runs; {target!r} is run"
            " by uvicorn, and its Socks take their Options from sock.asgi, from upgrade and from"
            f" their class{remedy}.",
            NOT_THERE,
        )
    try:
        from sock.adapters.uvicorn.launch import run as launch
    except ImportError as error:
        fail(f"{target!r} is an ASGI application, and {error}", CANNOT_START)
    if settings["certificate"]:
        _try_certificate(settings["certificate"], settings["key"])
    host, port = settings["host"], settings["port"]
    if not settings["uds"]:
        with listening():
            asyncio.run(try_listening(host, port))
    drain_timeout = options.drain_timeout
    if settings["reload"] and "drain_timeout" not in options.given:
        drain_timeout = _RELOAD_DRAIN
    set_options_of_process(options)
    launch(
        target,
        found,
        app_dir=folder,
        drain_timeout=drain_timeout,
        stopped=lambda: end_process_later(threads_before),
        **settings,
    )


def _try_certificate(certificate: Path, key: Path | None) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as error:  # an SSLError is one
        why = getattr(error, "reason", None) or error.strerror or error
        what = f"{str(certificate)!r} and {str(key)!r} are" if key else f"{str(certificate)!r} is"
        fail(f"{what} not a certificate with its key, in PEM: {why}", CANNOT_START)
