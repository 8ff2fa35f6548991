"""The application under load as a route of Flask's, for gunicorn; and an ordinary route."""

import os

from flask import Flask, request

from sock.adapters.flask import setup, upgrade
from tests.load.application import Echo

app = setup(Flask(__name__))


@app.route("/<name>", websocket=True)
def connect(name):
    """Hand the connection to the handler, which reads its name from the path."""
    return upgrade(Echo(request))


@app.route("/ordinary")
def ordinary():
    """Answer as an ordinary page does."""
    return f"{os.getpid()} {request.path}"
