"""Tornado as a host, at native speed: its stream is detached in a request handler.

    class Room(RefuseMixin, RequestHandler):
        async def get(self, room: str) -> None:
            await upgrade(self, Chat(room))          # Chat may raise Refuse

    application = setup(Application([(r"/rooms/(.+)", Room), (r"/echo", hosting(Echo))]))

Before the server stops, `await drain()` sends 1012 to all peers. The whole contract holds, also
over TLS and on loops without epoll.
"""

from importlib import import_module

try:
    import_module("tornado")
except ImportError as error:  # pragma: no cover - tested in a subprocess
    raise ImportError("Tornado is not installed: pip install 'sockpy[tornado]'") from error

from sock.adapters.hosted_application import drain as drain

from .limits import HOST as HOST
from .limits import LIMITS as LIMITS
from .refusal import RefuseMixin as RefuseMixin
from .refusal import setup as setup
from .route import hosting as hosting
from .route import upgrade as upgrade

__all__ = ["HOST", "LIMITS", "RefuseMixin", "drain", "hosting", "setup", "upgrade"]
