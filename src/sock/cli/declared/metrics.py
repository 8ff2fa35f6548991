"""What Prometheus sees."""

from __future__ import annotations

from typing import Final

from sock.cli.metrics import checked_address
from sock.cli.sections import option

_HEADING: Final = "Metrics"

OPTIONS: Final = (
    option(
        _HEADING,
        "--metrics",
        metavar="HOST:PORT",
        callback=checked_address,
        help="Address from which Prometheus takes the metrics, of all workers; needs the extra"
        " metrics.",
    ),
)
