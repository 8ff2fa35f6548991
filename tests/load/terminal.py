"""`sock ctl` in a terminal."""

import asyncio
import os
import shlex
import subprocess
import sys

from .crowd import Crowd
from .served import loaded


async def ctl(report, size):
    """Status, connections, stop, workers, reload and drain, each in a pseudo-terminal."""
    with loaded("--workers", "2") as served:
        async with Crowd(served.port, min(size, 100)) as crowd:
            listed = await asyncio.to_thread(shown, report, served, "connections", "--limit", "3")
            name = listed.splitlines()[1].split()[0]
            for words in (["status"], ["stop", name], ["workers", "3"], ["reload"], ["drain"]):
                if words == ["drain"]:
                    crowd.coming_back = False
                await asyncio.to_thread(shown, report, served, *words)
            code = await asyncio.to_thread(served.process.wait, 60)
            report.claim(f"drained: exit code {code}", code == 0)
        report.claim("no connection attempt was refused", not crowd.refused)


def shown(report, served, *words):
    """Run a command in a pseudo-terminal, and print what it writes there."""
    command = [sys.executable, "-m", "sock", "ctl", "--control", str(served.control), *words]
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", shlex.join(command), os.devnull],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    report.say(f"$ sock ctl {' '.join(words)}")
    for line in done.stdout.splitlines():
        report.say(line.rstrip())
    report.claim(f"exit code {done.returncode}", done.returncode == 0)
    return done.stdout
