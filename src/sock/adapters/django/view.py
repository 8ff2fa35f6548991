"""Asking a view of Django's: its request, session and user, and its answer in Sock's form."""

# Django ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import inspect
from io import BytesIO
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django import conf
from django.apps import apps
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.utils.module_loading import import_string

from sock.spec import Refuse, Response, Sock

from .routing import SocketRequest

if TYPE_CHECKING:
    from sock.spec import Request


def django_request(request: Request) -> Any:
    """Return Django's request for a handshake, in the form of a request over HTTP."""
    scope: Any = {**request.state["asgi.scope"], "type": "http", "method": "GET"}
    scope["scheme"] = request.scheme
    scope.setdefault("root_path", "")
    made: Any = SocketRequest(scope, BytesIO())
    made.sock = request
    return made


def sock_class(match: Any) -> Any:
    """Return the Sock class that stands in the place of a view, or None for a view."""
    view: Any = match.func
    return view if isinstance(view, type) and issubclass(view, Sock) else None


async def ask(request: Any, match: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Return the answer of a view, and the cookies that belong to it.

    Args:
        request: Django's.
        match: the route of the request.

    Raises:
        Refuse: the view has refused, by this exception or by one of Django's.
    """
    try:
        sessions = await _load(request)
        answer = await _call(request, match)
        response: Any = answer if isinstance(answer, HttpResponse) else HttpResponse()
        if not getattr(response, "is_rendered", True):
            await sync_to_async(response.render)()
        if sessions is not None:
            await sync_to_async(sessions.process_response)(request, response)
    except Http404 as error:
        raise Refuse(404, "nothing here\n") from error
    except PermissionDenied as error:
        raise Refuse(403, "forbidden\n") from error
    except (BadRequest, SuspiciousOperation) as error:
        raise Refuse(400, "bad request\n") from error
    cookies = [("Set-Cookie", one.OutputString()) for one in response.cookies.values()]
    if response is answer:
        return Response(response.status_code, response.content, list(response.items())), cookies
    return answer, cookies


async def _call(request: Any, match: Any) -> Any:
    """Call a view, in a thread if it is synchronous."""
    if (kind := sock_class(match)) is not None:
        return kind(request.sock, *match.args, **match.kwargs)
    view: Any = match.func
    # asgiref's function: before Python 3.12, that of `inspect` does not know the mark of Django's.
    is_async: Any = iscoroutinefunction
    if not (is_async(view) or is_async(view.__call__)):
        view = sync_to_async(view)
    answer = view(request, *match.args, **match.kwargs)
    while inspect.isawaitable(answer):  # a synchronous decorator may be around an async view
        answer = await answer
    return answer


async def _load(request: Any) -> Any:
    """Load the session and the user now, which Django's middleware of HTTP does when asked.

    Returns:
        The middleware of sessions, which saves the changes that the view makes; None without it.
    """
    from django.contrib.sessions.middleware import SessionMiddleware

    sessions = _middleware(SessionMiddleware)
    if sessions is None:
        return None
    await sync_to_async(sessions.process_request)(request)
    await request.session.aget("_sock_loads_it")
    if apps.is_installed("django.contrib.auth"):  # otherwise it cannot be imported
        from django.contrib.auth.middleware import AuthenticationMiddleware

        users = _middleware(AuthenticationMiddleware)
        if users is not None:
            await sync_to_async(users.process_request)(request)
            request.user = await request.auser()
    return sessions


def _middleware(kind: type[Any]) -> Any:
    """Return the project's middleware of this class or a subclass of it, or None without one."""
    for path in conf.settings.MIDDLEWARE:
        made: Any = import_string(path)
        if isinstance(made, type) and issubclass(made, kind):
            return made(HttpResponse)  # only process_request and process_response will be called
    return None
