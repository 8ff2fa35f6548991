"""WSGI servers as hosts: gunicorn's sync and gthread workers, uWSGI, and werkzeug.

    def application(environ, start_response):           # any WSGI application
        if environ["PATH_INFO"] == "/chat":
            return upgrade(environ, Chat("lobby"))(environ, start_response)
        ...

    application = wsgi(Echo)                            # a whole application of Sock's

The socket of the connection is taken from the server, and one event loop of the process serves it
in a thread of its own. So no connection needs a thread, and a worker is free for the next request
when the 101 was sent. All of the contract holds.

There are `sock.adapters.flask` for Flask's routes, and `sock.adapters.django.upgrade` for Django's
views.
"""

from .background import call as call
from .exchange import setup as setup
from .limits import HOST as HOST
from .limits import LIMITS as LIMITS
from .route import upgrade as upgrade
from .route import wsgi as wsgi

__all__ = ["HOST", "LIMITS", "call", "setup", "upgrade", "wsgi"]
