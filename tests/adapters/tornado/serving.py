"""A server of Tornado's, applications for it, and requests in bytes."""

from __future__ import annotations

import contextlib

from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from sock import Refuse, Response, Sock
from sock.adapters import tornado as adapter
from sock.testing import contract


class Echo(Sock):
    def handle_in(self, message):
        return message


@contextlib.asynccontextmanager
async def serving(*routes, xheaders=False, make=Application):
    server = HTTPServer(make(list(routes)), xheaders=xheaders)
    server.listen(0, "127.0.0.1")
    [sock] = server._sockets.values()

    async def stop():
        server.stop()
        await adapter.drain(contract.DRAIN_BOUND)

    try:
        yield stop, sock.getsockname()[1]
    finally:
        await stop()
        await server.close_all_connections()


def asking(path="/", *, method="GET", **changed):
    """Return a handshake's bytes, some of its fields changed or left out."""
    fields = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
    }
    fields.update({name.replace("_", "-"): value for name, value in changed.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def answering(request):
    match request.path:
        case "/refused":
            raise Refuse(401, "who are you?")
        case "/missing":
            return Response(404)
        case "/raises":
            raise LookupError
        case _:
            return Echo(request)


class Door(RequestHandler):
    async def get(self, what):
        match what:
            case "itself":
                raise HTTPError(401)
            case "redirects":
                self.redirect("/elsewhere")
            case "chooses":
                await adapter.upgrade(self, Echo(None), subprotocol="never-offered")
            case _:
                await adapter.upgrade(self, Echo(None))


class Open(adapter.RefuseMixin, RequestHandler):
    async def get(self, what):
        if what == "late":
            self.write("the beginning")
            await self.flush()
        if what != "in":
            raise Refuse(402, "pay", {"X-Price": "7"})
        await adapter.upgrade(self, Echo(None))


class Seen(RequestHandler):
    paths = []

    def get(self, path):
        self.paths.append(path)
        self.finish("seen")


ROUTES = (
    (r"/door/(.+)", Door),
    (r"/open/(.+)", Open),
    (r"/seen/(.+)", Seen),
    (r"/hosted/.*", adapter.hosting(lambda request: answering(Tail(request)))),
)


class Tail:
    """A request without the first part of its path."""

    def __init__(self, request):
        self.path = request.path.removeprefix("/hosted")
