"""What tests of the real command share."""

import subprocess
import sys

import websockets

BOUND = 60


async def code_of(client):
    """Receive until the connection has ended; return the code of the Close, or None for none."""
    try:
        while True:
            await client.recv()
    except websockets.ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


def run(folder, *arguments):
    """Run `sock run` until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "sock", "run", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )
