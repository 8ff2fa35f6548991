"""What `sock check` serves, as a WSGI application: for servers that import one by its name."""

from __future__ import annotations

import os
from typing import Any

from .hosts import APP
from .served import served_as_wsgi

app: Any = served_as_wsgi("gunicorn") if APP in os.environ else None
"""The application; None where nothing says which."""
