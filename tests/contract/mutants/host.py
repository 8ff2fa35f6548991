"""Our own server under test, in a process of its own: `python host.py`; it prints its port."""

from __future__ import annotations

import asyncio
import signal

import sock
from sock.testing import contract


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    options = sock.Options(drain_timeout=contract.DRAIN_BOUND)
    async with sock.serve(contract.app, port=0, options=options) as server:
        print(server.port, flush=True)  # noqa: T201 - whoever has started it reads this
        await stop.wait()


asyncio.run(main())
