"""`python -m autobahn`: run the cases and print a table of those that are strictly OK.

If a case failed or was not run, it is printed on a line of its own, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from .cases import shards
from .client import ROOT, WORK, Client, NoClient, find
from .report import Report, table

if TYPE_CHECKING:
    from pathlib import Path

REACTORS: Final = ("epoll", "transport")
PAGE: Final = ROOT / "docs" / "reference" / "autobahn.md"
TLS_TITLE: Final = "## Through TLS"
SHARD_TIMEOUT: Final = 1800.0
"""Three times the duration of the longest shard, so that a case that hangs ends some time."""


class ServerFailed(Exception):
    """The server under test did not start."""


def main() -> int:
    """Run the cases that the arguments name."""
    arguments = _arguments()
    # SIGTERM, from a build that is cancelled, ends the processes as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        client = find()
        print(f"autobahn: {client.title}", flush=True)
        reactors = REACTORS if arguments.reactor == "both" else (arguments.reactor,)
        reports = {reactor: _run(client, reactor, arguments) for reactor in reactors}
    except KeyboardInterrupt:
        return 130
    except (NoClient, ServerFailed) as error:
        print(f"autobahn: {error}", file=sys.stderr)
        return 1
    print(f"\n{table(reports)}\n")
    for reactor, report in reports.items():
        for problem in report.problems:
            print(f"autobahn: {reactor}: {problem}")
    if arguments.write:
        _write(reports, client, tls=arguments.tls)
    return 1 if any(report.problems for report in reports.values()) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m autobahn", description=__doc__)
    parser.add_argument(
        "--cases",
        choices=("sample", "plain", "all"),
        help="all 517; or all but compression (plain, 301; the default with --tls); or these and a"
        " sample of compression: 337, in two minutes",
    )
    parser.add_argument("--tls", action="store_true", help="through TLS")
    parser.add_argument("--reactor", choices=(*REACTORS, "both"), default="both")
    parser.add_argument(
        "--server",
        metavar="SCRIPT",
        help="test another server: a Python script that takes a port and echoes messages",
    )
    parser.add_argument(
        "--write", action="store_true", help=f"keep the table as {PAGE.relative_to(ROOT)}"
    )
    arguments = parser.parse_args()
    usual = "plain" if arguments.tls else "all"
    arguments.cases = arguments.cases or usual
    if arguments.tls and arguments.server:
        parser.error("--tls is for our own server")
    if arguments.write and (arguments.cases, arguments.reactor, arguments.server) != (
        usual,
        "both",
        None,
    ):
        parser.error(f"--write keeps the table of {usual} cases on both reactors of our own server")
    return arguments


def _run(client: Client, reactor: str, arguments: argparse.Namespace) -> Report:
    """Run all shards of one reactor at the same time, each against a server of its own."""
    report = Report()
    began = time.monotonic()
    with ExitStack() as ends:
        running = []
        for shard in shards(arguments.cases):
            through = "-tls" if arguments.tls else ""
            folder = WORK / "reports" / f"{reactor}-{shard.name}{through}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            script = [arguments.server] if arguments.server else ["-m", "autobahn.server"]
            after = [str(_certificate())] if arguments.tls else []
            port = _start_server(ends, reactor, script, after, folder / "server.log")
            process = client.start(shard, port, folder, "wss" if arguments.tls else "ws")
            ends.callback(_end, process)
            running.append((shard, folder, process))
        for shard, folder, process in running:
            try:
                process.wait(max(0, began + SHARD_TIMEOUT - time.monotonic()))
            except subprocess.TimeoutExpired:
                report.missing.append(f"{shard.name}: cut after {SHARD_TIMEOUT:.0f} s")
            report.take(folder, shard.name, shard.total)
    seconds = time.monotonic() - began
    print(f"autobahn: {reactor}: {report.total} cases in {seconds:.0f} s", flush=True)
    return report


def _certificate() -> Path:
    """Issue a certificate for loopback; its key is in the same file."""
    import trustme

    path = WORK / "certificate.pem"
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


def _start_server(
    ends: ExitStack, reactor: str, script: list[str], after: list[str], path: Path
) -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = [sys.executable, *script, str(port), *after]
    environment = {key: value for key, value in os.environ.items() if key != "SOCK_REACTOR"}
    if reactor == "transport":
        environment["SOCK_REACTOR"] = reactor
    # Half of the cases break the protocol, and each of these writes a line to the log.
    with path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
            stderr=subprocess.STDOUT,
            stdout=log,
        )
    ends.callback(_end, process)
    for _ in range(200):
        if process.poll() is not None:
            log_text = path.read_text(errors="replace").strip()
            raise ServerFailed(f"the server ended with {process.returncode}\n{log_text}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return port
    raise ServerFailed("the server accepts no connections")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _write(reports: dict[str, Report], client: Client, *, tls: bool) -> None:
    """Keep one of the two tables of the page; the other one stays as it is."""
    today = datetime.now(UTC).date().isoformat()
    found = f"{table(reports)}\n{_failures(reports)}"
    plain, _, through_tls = (PAGE.read_text() if PAGE.exists() else "").partition(TLS_TITLE)
    if tls:
        through_tls = (
            f"\n\nThe same cases without compression, by `make autobahn ARGS='--tls --write'` on "
            f"{today}.\n\n{found}"
        )
    else:
        plain = (
            "# The Autobahn suite\n\n"
            f"Written by `make autobahn ARGS=--write` on {today}, by {client.title}. "
            "A case counts when both its behaviour and its close are `OK`; of "
            "section 7, three cases are informational whatever a server does. `NON-STRICT` does "
            f"not count.\n\n{found}\n"
        )
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    behind = f"\n{TLS_TITLE}{through_tls}" if through_tls else ""
    PAGE.write_text(f"{plain.rstrip()}\n{behind}")


def _failures(reports: dict[str, Report]) -> str:
    lines = [f"- {reactor}: {line}" for reactor, r in reports.items() for line in r.problems]
    return "\n".join(["", "Not right:", "", *lines, ""]) if lines else ""


if __name__ == "__main__":
    sys.exit(main())
