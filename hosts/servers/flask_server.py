"""Flask: `python hosts/servers/flask_server.py PORT` on werkzeug; `gunicorn flask_server:app`."""

from __future__ import annotations

import logging
import signal
import sys

from flask import Flask
from werkzeug.serving import make_server

from hosts.application import app as application
from hosts.application import options
from sock.adapters.flask import handler, setup

app = setup(Flask(__name__, static_folder=None))
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
view = handler(application, options=options)
for number, path in enumerate(("/", "/<path:path>")):
    for websocket in (False, True):
        app.add_url_rule(
            path,
            f"view-{number}-{websocket}",
            view,
            methods=_METHODS[:1] if websocket else _METHODS,
            websocket=websocket,
            provide_automatic_options=False,
            merge_slashes=False,
        )


def main() -> None:
    """Serve on werkzeug until SIGTERM."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its log has whole targets
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
