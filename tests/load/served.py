"""The real command, in a folder of its own with the application under load."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tests.server.supervisor.conftest import Served

APPLICATION = Path(__file__).parent / "application.py"
BOUND = 120


class Loaded(Served):
    """`Served`, for those who wait in an event loop."""

    def __init__(self, folder, *arguments, application=APPLICATION, **settings):
        self.app = folder / "application.py"
        shutil.copy(application, self.app)
        super().__init__(folder, "application:app", *arguments, **settings)

    def edit(self, version):
        """Give the application another version."""
        text = APPLICATION.read_text().replace("VERSION = 1\n", f"VERSION = {version}\n")
        self.app.write_text(text)

    def count(self, text):
        """Return how often the log says something."""
        return self.said.count(text)

    async def until(self, condition, bound=BOUND):
        """Wait until something holds; return how many seconds it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < bound, self.said[-2000:]
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def ended(self):
        """Send SIGTERM; return the exit code, and how many seconds it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        code = await asyncio.to_thread(self.process.wait, BOUND)
        return code, time.monotonic() - began


def loaded(*arguments, **settings):
    """Serve the application under load in a new folder, as `started` does."""
    return started(Loaded, *arguments, **settings)


@contextlib.contextmanager
def started(make, *arguments, **settings):
    """Make a server in a new folder; kill whatever is left, and remove the folder."""
    folder = Path(tempfile.mkdtemp(prefix="sock-load-"))
    served = None
    try:
        served = make(folder, *arguments, **settings)
        yield served
    finally:
        if served is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(served.process.pid, signal.SIGKILL)
            served.process.wait()
        shutil.rmtree(folder, ignore_errors=True)
