"""What the options of `sock run` say about proxies in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .failure import NOT_THERE, fail

if TYPE_CHECKING:
    from collections.abc import Mapping


def checked_proxies(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> str | None:
    """Return the text of --forwarded-allow-ips as it is, when it names proxies."""
    from sock.hosting.forwarded import Trusted

    if text is not None:
        try:
            Trusted(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return text


def checked_root_path(
    _context: click.Context, _parameter: click.Parameter, path: str | None
) -> str | None:
    """Return the text of --root-path as it is, when it is a path."""
    if path and not path.startswith("/"):
        raise click.BadParameter(f"a path begins with '/'. Did you mean '/{path}'?")
    return path


def proxies_for_our_server(settings: dict[str, Any]) -> dict[str, Any]:
    """Take the options about proxies out of all settings, as arguments of `sock.run`."""
    text = settings.pop("forwarded_allow_ips")
    told = {"forwarded_allow_ips": text} if text is not None else {}
    return told | {
        "proxy_protocol": settings.pop("proxy_protocol"),
        "root_path": settings.pop("root_path"),
    }


def proxies_for_uvicorn(
    target: str, sources: Mapping[str, str], settings: dict[str, Any]
) -> dict[str, Any]:
    """Take the options about proxies out of all settings, as settings of uvicorn."""
    if settings.pop("proxy_protocol"):
        fail(
            f"{sources['proxy_protocol']}: {target!r} is an ASGI application, which uvicorn runs,"
            " and uvicorn does not speak the PROXY protocol.",
            NOT_THERE,
        )
    return {name: settings.pop(name) for name in ("forwarded_allow_ips", "root_path")}
