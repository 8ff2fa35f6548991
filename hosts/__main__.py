"""`make hosts`: start each host, run the contract and the Autobahn suite, print the results.

It prints a line for each case that fails without a declared limit, and exits with 1 if there is
any.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from autobahn.client import NoClient, find

from .host import HOSTS
from .page import page, problems
from .run import ROOT, NotStarted, Outcome, try_autobahn, try_contract
from .wire import try_wire

if TYPE_CHECKING:
    from autobahn.client import Client

    from .host import Host

PAGE: Final = ROOT / "docs" / "reference" / "hosts.md"
_SIDE_BY_SIDE: Final = 2  # more hosts than that would slow each other down


def main() -> int:
    """Run what the arguments ask for."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = [host for host in HOSTS if arguments.k in host.name]
    try:
        client = None if arguments.cases == "contract" else find()
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as threads:
            outcomes = list(threads.map(lambda host: _try(host, client), wanted))
    except KeyboardInterrupt:
        return 130
    except (NoClient, NotStarted) as error:
        print(f"hosts: {error}", file=sys.stderr)
        return 1
    found = problems(outcomes)
    for problem in found:
        print(f"hosts: {problem}")
    if arguments.write and client is not None:
        PAGE.write_text(page(outcomes, client.title))
    native = [outcome.host.name for outcome in outcomes if outcome.host.native]
    print(f"hosts: {len(outcomes)} tried, {len(found)} problems; native: {', '.join(native)}")
    return 1 if found else 0


def _try(host: Host, client: Client | None) -> Outcome:
    began = time.monotonic()
    outcome = asyncio.run(try_contract(host))
    if client is not None and host.suite:
        outcome.autobahn = try_autobahn(host, client)
    if client is not None and not host.gateway:
        outcome.wire = try_wire(host).run
    suite = ""
    if outcome.autobahn is not None:
        suite = f", autobahn {sum(outcome.autobahn.passed.values())} right"
    print(
        f"{host.name}: {len(outcome.passed)} passed, {len(outcome.declared)} declared,"
        f" {len(outcome.failed)} failed{suite}, in {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return outcome


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hosts", description=__doc__)
    parser.add_argument("-k", metavar="TEXT", default="", help="only hosts with this in their name")
    parser.add_argument(
        "--cases",
        choices=("contract", "all"),
        default="all",
        help="all: the wire too, and the Autobahn suite, which needs a container engine or a"
        " Python 2.7",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"keep the matrix as {PAGE.relative_to(ROOT)}"
    )
    arguments = parser.parse_args()
    if arguments.write and (arguments.k or arguments.cases != "all"):
        parser.error("--write keeps the matrix of all hosts and cases")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
