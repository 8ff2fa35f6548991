"""The address from which Prometheus takes the metrics.

It is served by prometheus_client in a thread of its own, and not by the event loop: so the page
comes also while a callback blocks the loop, which is when somebody wants to see it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .exposition import check_installed

if TYPE_CHECKING:
    from collections.abc import Generator

    from .exposition import Collector


@contextmanager
def served(collector: Collector, host: str, port: int) -> Generator[int]:
    """Serve the metrics of a collector over HTTP, on every path, until the `with` is left.

    Args:
        collector: `Figures` of this process, or `Totals` of several.
        host: a name or an address; "0.0.0.0" for every interface.
        port: 0 for one that is free.

    Yields:
        The port.

    Raises:
        ImportError: prometheus_client is not installed.
        OSError: the host is not known, or the port cannot be bound.
    """
    check_installed()
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    server, thread = start_http_server(port, host, registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
