"""One gthread worker of gunicorn with a Flask application, for the peers that need one."""

from __future__ import annotations

import sys
from typing import Any

from gunicorn.app.base import BaseApplication


def serve(app: Any) -> None:
    """Serve on the port that is the first argument, until a signal."""

    class Server(BaseApplication):  # type: ignore[misc]  # it has no types
        def load_config(self) -> None:
            self.cfg.set("bind", f"127.0.0.1:{sys.argv[1]}")
            self.cfg.set("worker_class", "gthread")
            self.cfg.set("threads", 128)  # flask-sock needs one for each connection
            self.cfg.set("control_socket_disable", value=True)
            self.cfg.set("loglevel", "warning")
            # Between measurements the server is stopped, and gunicorn would then replace its worker
            # in the middle of the next one, for having been silent.
            self.cfg.set("timeout", 0)

        def load(self) -> Any:
            return app

    Server().run()
