"""The asyncio server of websockets as a host: as its handler, over its own wire.

    async with serve(**hosting(Chat), host="127.0.0.1", port=8000) as server:
        ...
        await drain()          # before it closes: sends 1012 to all peers, where it would send 1001

or in a handler of your own, which websockets calls when it has sent the 101:

    async def room(connection: ServerConnection) -> None:
        await upgrade(connection, Chat(...))
"""

from importlib import import_module

try:
    import_module("websockets.asyncio.server")
except ImportError as error:  # pragma: no cover - tested in a subprocess
    raise ImportError(
        "websockets is missing, or older than 14: pip install --upgrade 'sockpy[websockets]'"
    ) from error

from sock.adapters.hosted_application import drain as drain

from .limits import ACCEPTANCE as ACCEPTANCE
from .limits import HOST as HOST
from .limits import LIMITS as LIMITS
from .server import hosting as hosting
from .server import upgrade as upgrade

__all__ = ["ACCEPTANCE", "HOST", "LIMITS", "drain", "hosting", "upgrade"]
