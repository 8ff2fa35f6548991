"""flask-sock on gunicorn's gthread worker, a thread for each connection: PORT."""

from __future__ import annotations

from flask import Flask
from flask_sock import Sock
from flask_worker import serve

app = Flask(__name__)
sock = Sock(app)


@sock.route("/")
def echo(connection) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - it has no types
    """Send every message back, until the peer closes."""
    while True:
        connection.send(connection.receive())


serve(app)
