"""Any ASGI server as a host, and any ASGI framework: `sock.asgi(app)`, and `upgrade` in a route.

from sock import asgi

application = asgi(Chat)                      # an ASGI 3 application of its own
WebSocketRoute("/chat", asgi(Chat))           # ... or in Starlette, at this very path
Mount("/chats", asgi(Chat))                   # ... or at "/chats/" and below it

@app.websocket("/rooms/{room}")
async def room(websocket: WebSocket, room: str, user: User = Depends(current_user)) -> None:
    await upgrade(websocket, Chat(room, user))
"""

from sock.adapters.hosted_application import drain as drain

from .application import Asgi as Asgi
from .application import asgi as asgi
from .limits import HOST as HOST
from .limits import LIMITS as LIMITS
from .limits import REFUSAL as REFUSAL
from .middleware import Middleware as Middleware
from .route import upgrade as upgrade

__all__ = ["HOST", "LIMITS", "REFUSAL", "Asgi", "Middleware", "asgi", "drain", "upgrade"]
