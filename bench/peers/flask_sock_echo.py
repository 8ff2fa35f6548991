"""A Sock in a route of Flask's, on gunicorn's gthread worker: PORT."""

from __future__ import annotations

from asgi_sock import Echo
from flask import Flask, Response
from flask_worker import serve

from sock.adapters.flask import setup, upgrade

app = setup(Flask(__name__))


@app.route("/", websocket=True)
def echo() -> Response:
    """Hand the connection to a Sock."""
    return upgrade(Echo(None))


serve(app)
