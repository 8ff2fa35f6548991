"""uvicorn as a host at native speed: `uvicorn --ws sock.adapters.uvicorn:SockProtocol app:app`.

`sock.asgi(app)` and `upgrade` in a route find this protocol by themselves. Every other ASGI
application is served as uvicorn serves it without this protocol.
"""

try:
    import uvicorn
    from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol
except ImportError as error:  # pragma: no cover - tested in a subprocess
    raise ImportError("uvicorn is not installed: pip install 'sockpy[uvicorn]'") from error

# This protocol was written with 0.54; much older releases take no protocol by its name from `--ws`.
if tuple(map(int, uvicorn.__version__.split(".")[:2])) < (0, 54):  # pragma: no cover - not in tests
    raise ImportError(
        f"uvicorn {uvicorn.__version__} is too old: pip install --upgrade 'sockpy[uvicorn]'"
    )
if AutoWebSocketsProtocol is None:  # pragma: no cover - tested in a subprocess
    raise ImportError(
        "uvicorn has no built-in WebSockets, which serve the applications that are no Socks:"
        " pip install 'sockpy[uvicorn]', which brings them"
    )

from .limits import HOST as HOST
from .limits import LIMITS as LIMITS
from .log import log_config as log_config
from .protocol import SockProtocol as SockProtocol

__all__ = ["HOST", "LIMITS", "SockProtocol", "log_config"]
