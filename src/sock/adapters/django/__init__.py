"""Django as a host: WebSockets beside its HTTP application, behind its sessions and users.

    # asgi.py of the project
    http = get_asgi_application()
    application = with_sockets(http, [path("rooms/<slug:room>/", room)])

    async def room(request: SocketRequest, room: str) -> Answer:
        if not request.user.is_authenticated:
            raise Refuse(401)
        return Chat(room, request.user)

A view gets Django's request, with its session and its user loaded, and answers as any application
of Sock's does. The server that serves this ASGI application decides how much of the contract holds:
see `sock.adapters.asgi` and `sock.adapters.uvicorn`.

Without ASGI, an ordinary view under gunicorn does it: `return upgrade(request, Chat(room))`.

The ORM runs in a few threads. A callback keeps its thread until it has ended, and so its connection
to the database; connections are given back a moment later, by Django's own rules (CONN_MAX_AGE).
"""

from importlib import import_module

try:
    import_module("django")
except ImportError as error:  # pragma: no cover - tested in a subprocess
    raise ImportError("Django is not installed: pip install 'sockpy[django]'") from error

from sock.adapters.asgi import LIMITS as LIMITS
from sock.adapters.hosted_application import drain as drain

from .routing import SocketRequest as SocketRequest
from .routing import path as path
from .routing import re_path as re_path
from .sockets import with_sockets as with_sockets
from .under_wsgi import upgrade as upgrade

__all__ = ["LIMITS", "SocketRequest", "drain", "path", "re_path", "upgrade", "with_sockets"]
