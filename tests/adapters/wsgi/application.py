"""A Flask application for gunicorn: connections that outlive their route, and ordinary routes."""

from __future__ import annotations

import os
import time

from flask import Flask, abort, g, request, session

from sock import Refuse, Sock, send_all
from sock.adapters.flask import setup, upgrade
from sock.hosting import worker

app = setup(Flask(__name__))
app.secret_key = "of a test"
refs = set()


class Room(Sock):
    def __init__(self, name):
        self.name = name

    def init(self, ref):
        self.ref = ref
        refs.add(ref)
        return f"{self.name} {g.user} {session['seen']} {request.path} {os.getpid()}"

    def handle_in(self, message):
        if message == "raise":
            raise LookupError
        return message

    def terminate(self, reason):
        refs.discard(self.ref)


@app.route("/rooms/<name>", websocket=True)
def room(name):
    if name == "closed":
        raise Refuse(409, "closed")
    if name == "secret":
        abort(401)
    g.user = request.args.get("user", "nobody")
    session["seen"] = session.get("seen", 0) + 1
    return upgrade(Room(name))


@app.after_request
def mark(response):
    response.headers["X-After"] = "request"
    return response


@app.get("/tell/<text>")
def tell(text):
    told = list(refs)
    send_all(told, text)
    return str(len(told))


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.get("/worker")
def what_worker():
    here = worker.of_process()
    return "None" if here is None else f"{here.workers} {here.folder}"


@app.get("/slow")
def slow():
    time.sleep(1.5)
    return "slow"


@app.route("/no-sockets")
def no_sockets():
    return upgrade(Room("no"))
