"""What passes through the control pipe between the supervisor and a worker, one object a line.

    the worker says    with                                   when
    -----------------  -------------------------------------  -------------------------------------
    ready              drain_timeout                          it accepts connections
    alive              connections, memory, lag, figures      each second, from its event loop
    draining                                                  it accepts nothing more
    answer             to, and what was asked for             it has carried out an order that asks

    the supervisor orders  with               the worker
    ---------------------  -----------------  -------------------------------------------------
    drain                                     stops accepting, drains, and ends
    connections            ask, limit         answers with its live connections
    stop                   ask, connection    closes one of them, and answers whether it has it
    workers                count              notes how many workers there are

If the pipe ends, the other side has gone: a worker drains then, and ends.
"""

from __future__ import annotations

from typing import Final

SAY: Final = "say"
READY: Final = "ready"
ALIVE: Final = "alive"
DRAINING: Final = "draining"
ANSWER: Final = "answer"

ORDER: Final = "order"
DRAIN: Final = "drain"
CONNECTIONS: Final = "connections"
STOP: Final = "stop"
WORKERS: Final = "workers"

ENVIRONMENT: Final = "_SOCK_WORKER"
"""The variable that makes a process a worker: an object of JSON with `slot`, `workers`, `sockets`
and `control`, the last two of which are descriptors, and `folder`, where workers may have files."""

HEARTBEAT: Final = 1.0
"""Seconds between two heartbeats of a worker."""

END_RESERVE: Final = 10.0
"""Seconds beyond the drain timeout for what else an end takes: the lifespan, tasks and threads."""
