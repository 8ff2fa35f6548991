"""A chat behind Flask, with a login: on gunicorn, whose workers are free at once.

    gunicorn --workers 2 examples.flask_chat:app

Then open http://127.0.0.1:8000 in two windows. Whichever worker has a window, everybody in the room
reads what is said, and an ordinary route says something too. It needs the extras `flask` and
`pubsub`. `flask --app examples.flask_chat run` is enough to try it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import Flask, abort, redirect, request, session
from markupsafe import escape
from msgspec import Struct

from sock import JsonSock, Options
from sock.adapters.flask import call, setup, upgrade
from sock.pubsub import PubSub

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from sock import Ref

PAGE = """<!doctype html><meta charset="utf-8"><title>Flask chat</title>
<h1>The lobby</h1><p>You are <b id="name">{name}</b>. <a href="/logout">Leave</a>
<form id="say"><input id="text" autocomplete="off"><button>Say it</button></form><ul id="log"></ul>
<script>
const socket = new WebSocket(`ws${location.protocol.slice(4)}//${location.host}/rooms/lobby`);
socket.onmessage = ({data}) => {
  const said = JSON.parse(data), line = document.createElement("li");
  line.textContent = `${said.name}: ${said.text}`;
  document.getElementById("log").append(line);
};
document.getElementById("say").onsubmit = event => {
  event.preventDefault();
  const text = document.getElementById("text");
  socket.send(JSON.stringify(text.value));
  text.value = "";
};
</script>"""
LOGIN = """<!doctype html><meta charset="utf-8"><title>Flask chat</title>
<form method="post" action="/login"><input name="name" id="name" placeholder="Your name">
<button>Enter</button></form>"""


class Said(Struct):
    """Somebody has said something."""

    name: str
    text: str


rooms = PubSub(kind=Said)
app = setup(Flask(__name__))
# All workers sign the cookie of the session with the same key.
app.secret_key = os.environ.get("FLASK_SECRET_KEY", "of an example")


class Chat(JsonSock[None, str, Said]):
    """One guest in one room. `session` is not needed here, but is there."""

    def __init__(self, room: str, name: str) -> None:
        self.room, self.name = room, name

    async def init(self, ref: Ref[None]) -> None:
        await rooms.attach(self.room, ref)
        await rooms.broadcast(self.room, Said(self.name, "is here"))

    async def handle_in(self, text: str) -> None:
        if text.strip():
            await rooms.broadcast(self.room, Said(self.name, text))


@app.get("/")
def page() -> str:
    """Show the chat, or the login."""
    name = session.get("name")
    return PAGE.replace("{name}", str(escape(name))) if name else LOGIN


@app.post("/login")
def login() -> Response:
    """Remember a name in the session."""
    name = request.form.get("name", "").strip()
    if not 0 < len(name) <= 24:
        abort(400, "Come with a name of 1 to 24 letters")
    session["name"] = name
    return redirect("/")


@app.get("/logout")
def logout() -> Response:
    """Forget the name."""
    session.clear()
    return redirect("/")


@app.route("/rooms/<room>", websocket=True)
def enter(room: str) -> Response:
    """Let a guest into a room who has logged in."""
    if "name" not in session:
        abort(401)
    return upgrade(Chat(room, session["name"]), Options(max_message_size=4000))


@app.post("/rooms/<room>")
def announce(room: str) -> dict[str, str]:
    """Say something to a room, from the thread of an ordinary route."""
    if "name" not in session:
        abort(401)
    call(rooms.broadcast(room, Said(session["name"], request.form["text"])))
    return {"said": request.form["text"]}
