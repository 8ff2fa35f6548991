"""A server of our own: TCP, HTTP/1.1 for the handshake and ordinary answers, and the drain."""

from .certificates import TLS as TLS
from .certificates import TLSError as TLSError
from .run import run as run
from .run import run_made as run_made
from .run import serve as serve
from .server import Server as Server

__all__ = ["TLS", "Server", "TLSError", "run", "run_made", "serve"]
