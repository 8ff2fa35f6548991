"""The chat of `examples/flask_chat.py`, whose answers say which worker has given them."""

from __future__ import annotations

import os

from examples.flask_chat import app as app


@app.after_request
def name_worker(response):
    response.headers["X-Worker"] = str(os.getpid())
    return response
