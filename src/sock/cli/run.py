"""What `sock run` does: find the application, read the options, and have it served.

the application                         is served by
--------------------------------------  --------------------------------
takes a request                         our server
takes a scope and two callables (ASGI)  uvicorn, with our protocol in it
is made in the event loop               our server, which makes it there
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sock import Options
from sock.hosting.members import set_options_of_process
from sock.server.supervisor.supervised import Supervised
from sock.spec.options import SERVER_FIELDS

from . import make
from .backends import check_backends
from .failure import CANNOT_START, NOT_THERE, fail
from .find import find, is_asgi, problem_of_app
from .leaving import end_process_later
from .listening import (
    HOST,
    PORT,
    check_addresses,
    for_our_server,
    for_uvicorn,
    listening,
    try_listening,
)
from .metrics import added_up, counted
from .options import as_given, options_of
from .proxies import proxies_for_our_server, proxies_for_uvicorn
from .supervise import RELOAD_DRAIN, Workers, supervise
from .tls import take_tls, tls_of_uvicorn

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Mapping


_OF_DRAINS: Final = frozenset(("drain_timeout", "drain_batch", "drain_interval"))
"""The limits that hold under uvicorn too, where the drain is ours."""


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
    require_backend: bool,
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
        require_backend: whether the broker of topics must be there.
        settings: all other options of the command, passed on to the server as they are.
    """
    workers = Workers.taken_from(settings)
    workers.check(sources)
    metrics = settings.pop("metrics")
    tls = take_tls(settings, sources)
    _check(settings["loop"], health, sources)
    check_addresses(settings, sources)
    where = {name: settings.pop(name) for name in ("host", "port", "uds", "bind")}
    folder = Path(app_dir).resolve()
    supervised = Supervised.from_environment() if workers.wanted else None
    if workers.wanted and supervised is None:
        form = {name: settings[name] for name in ("log_level", "log_format")}
        with added_up(metrics) as totals, listening():
            supervise(workers, folder=folder, totals=totals, **for_our_server(**where), **form)
        return
    if supervised is not None:
        supervised.begin()
    with counted(metrics, supervised):
        found = find(target, folder)
        given_options = options_of(limits, options, folder, sources)
        if workers.reload and "drain_timeout" not in given_options.given:
            given_options = Options(drain_timeout=RELOAD_DRAIN).over(given_options)
        if factory:
            make.check_factory(found, target)
            found = make.make(found, target)
        if require_backend:
            check_backends()
        in_loop = factory and make.needs_event_loop(found)
        if not in_loop and (problem := problem_of_app(found)) is not None:
            fail(f"{target!r} is not an application: {problem}.", NOT_THERE)
        if not in_loop and is_asgi(found):
            _run_uvicorn(
                target,
                found,
                given_options,
                threads_before,
                supervised=supervised,
                health=health,
                given_as={name: sources[name] for name, text in limits.items() if text},
                tls=tls_of_uvicorn(tls, target),
                **_addresses_of_uvicorn(target, sources, where, supervised),
                **proxies_for_uvicorn(target, sources, settings),
                **settings,
            )
            return
        settings |= {"options": given_options, "health": health, "tls": tls}
        settings |= for_our_server(**where) | proxies_for_our_server(settings)
        _run_ours(target, found, in_loop=in_loop, supervised=supervised, **settings)


def _addresses_of_uvicorn(
    target: str,
    sources: Mapping[str, str],
    where: dict[str, Any],
    supervised: Supervised | None,
) -> dict[str, Any]:
    if supervised is None:
        return for_uvicorn(target, sources, **where)
    return {"host": HOST, "port": PORT, "uds": None}  # it listens where the supervisor has bound


def _check(loop: str, health: str | None, sources: Mapping[str, str]) -> None:
    if loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
        fail(
            "uvloop is not installed: pip install 'sockpy[uvloop]', or --loop asyncio",
            CANNOT_START,
        )
    if health is not None and not health.startswith("/"):
        given = as_given(sources["health"], health)
        fail(f"{given}: a path begins with '/'. Did you mean '/{health}'?", NOT_THERE)


def _run_ours(
    target: str,
    found: Any,
    *,
    in_loop: bool,
    options: Options,
    supervised: Supervised | None,
    **settings: Any,
) -> None:
    from sock import server

    with listening():
        if in_loop:
            making = functools.partial(make.made_in_loop, found, target, options)
            server.run_made(making, options=options, supervised=supervised, **settings)
        elif supervised is not None:
            app = make.with_reported_lifespan(found, target, options)
            server.run_made(
                lambda: contextlib.nullcontext(app),
                options=options,
                supervised=supervised,
                **settings,
            )
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
    supervised: Supervised | None,
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
        from sock.adapters.uvicorn.worker import Place
    except ImportError as error:
        fail(f"{target!r} is an ASGI application, and {error}", CANNOT_START)
    host, port = settings["host"], settings["port"]
    place = None
    if supervised is not None:
        place = Place(supervised.sockets, supervised.serving, supervised.draining, supervised.ended)
    elif not settings["uds"]:
        with listening():
            asyncio.run(try_listening(host, port))
    set_options_of_process(options)
    launch(
        found,
        drain_timeout=options.drain_timeout,
        stopped=lambda: end_process_later(threads_before),
        place=place,
        **settings,
    )
