"""`python -m tests.load [NAME …]`: put the real command under load, and count.

reload    SIGHUP twenty times under connections that send all the time
kill      kill -9, a blocked loop, a worker that cannot start, a reload that fails
stop      SIGTERM, and three connections that will not end
metrics   the figures of two workers, beside what the clients have counted
tls       certificates renewed under load; client certificates
browser   --reload under an open page of Chromium; Chromium over TLS
ctl       `sock ctl` in a terminal
channels  joins and leaves, and what they leave in memory; SIGHUP and SIGTERM under joined channels
topics    numbered messages of four publishers over two workers, on each backend
outage    a broker that is killed, and one that is stopped; a worker that is, and one that blocks
slow      one connection of a room that never reads
broadcast messages to everybody in one process: `broadcast --size 50000`
wsgi      10,000 idle connections on one sync worker of gunicorn, beside ordinary requests
wsgi-hup  `kill -HUP` of gunicorn under connections that send all the time
"""

import argparse
import asyncio
import inspect
import sys

from . import crowd, terminal, through_channels, through_tls, through_wsgi, topics, workers
from .report import Report

SCENARIOS = {
    "reload": workers.reload,
    "kill": workers.kill,
    "stop": workers.stop,
    "metrics": workers.metrics,
    "tls": through_tls.renewal,
    "browser": through_tls.browser,
    "ctl": terminal.ctl,
    "channels": through_channels.channels,
    "topics": topics.topics,
    "outage": topics.outage,
    "slow": topics.slow,
    "broadcast": topics.broadcast,
    "wsgi": through_wsgi.idle,
    "wsgi-hup": through_wsgi.reload,
}


def main():
    """Run the scenarios that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENARIOS))
    parser.add_argument("--size", type=int, default=2000, help="how many connections (2000)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SCENARIOS):
        parser.error(f"no scenario is named {', '.join(sorted(unknown))}")
    report = Report()
    with crowd.many_files():
        for name in arguments.names or SCENARIOS:
            scenario = SCENARIOS[name]
            print(f"{name}: {inspect.getdoc(scenario)}", flush=True)
            if inspect.iscoroutinefunction(scenario):
                asyncio.run(scenario(report, arguments.size))
            else:
                scenario(report, arguments.size)
    print("all claims hold" if not report.failed else f"{report.failed} claims do not hold")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
