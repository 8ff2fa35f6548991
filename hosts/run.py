"""Starts one host and tries it with all cases of the contract, and with the Autobahn suite."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Final

from autobahn.cases import SECTIONS, Shard
from autobahn.report import Report
from sock.testing import contract

from .host import CERTIFICATE, HERE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from autobahn.client import Client
    from sock.testing.wire import Run

    from .host import Host

ROOT: Final = HERE.parent
SOURCE: Final = ROOT / "src"
WORK: Final = ROOT / ".hosts"
AUTOBAHN: Final = tuple(section for section in SECTIONS if int(section) <= 7)
_BOUND: Final = 30.0  # seconds for a host to start, or to end
_PATIENCE: Final = 10.0  # seconds for each wait of a case: a machine may stall
_SHARD: Final = 300.0  # seconds for the suite, as some hosts leave it waiting


class NotStarted(Exception):
    """A host did not start."""


@dataclass
class Outcome:
    """The results of one host.

    Args:
        host: the host.
        passed: the names of the cases that passed.
        declared: the names of the cases that were left out, with the declared limits that they hit.
        failed: the names of the cases that failed, with the failures.
        advised: the names of the cases about a SHOULD that the host leaves out, with what it does.
        autobahn: the report of sections 1 to 7; None when they were not run.
        wire: the results of the cases of the wire; None when they were not run.
    """

    host: Host
    passed: list[str] = field(default_factory=list)
    declared: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    advised: dict[str, str] = field(default_factory=dict)
    autobahn: Report | None = None
    wire: Run | None = None


async def try_contract(host: Host, *, patience: float = _PATIENCE) -> Outcome:
    """Start a host, and run every case of the contract against it; its graceful stop comes last."""
    outcome = Outcome(host)
    log = WORK / f"{_slug(host)}-contract.log"
    with started(host, "contract", log) as (port, process):
        url = f"ws://127.0.0.1:{port}"

        async def drain() -> None:
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, _BOUND)

        await _try_cases(outcome, url, drain, patience)
    return outcome


async def _try_cases(outcome: Outcome, url: str, drain: contract.Drain, patience: float) -> None:
    limits = set(outcome.host.limits)
    allowed = [limit for limit in limits if limit != "drain"]
    for case in contract.CASES:
        if lacks := sorted(case.needs & limits):
            outcome.declared[case.name] = lacks
    wanted = [case for case in contract.CASES if case.name not in outcome.declared]
    verdicts = contract.check_all(
        url, wanted, limits=allowed, drain=drain, patience=patience, try_again=True
    )
    async for verdict in verdicts:
        name = verdict.case.name
        if verdict.outcome is contract.Outcome.FAILED:
            outcome.failed[name] = verdict.text
        elif verdict.outcome is contract.Outcome.ADVISED:
            outcome.advised[name] = verdict.text
        else:
            outcome.passed.append(name)


def try_autobahn(host: Host, client: Client) -> Report:
    """Start a host, and run sections 1 to 7 of the Autobahn suite against it."""
    folder = WORK / "autobahn" / _slug(host)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    report = Report()
    total = sum(SECTIONS[section][1] for section in AUTOBAHN)
    shard = Shard("1 to 7", tuple(f"{section}.*" for section in AUTOBAHN), total)
    with started(host, "echo", folder / "server.log") as (port, _):
        suite = client.start(shard, port, folder)
        try:
            suite.wait(_SHARD)
        except subprocess.TimeoutExpired:
            report.missing.append(f"cut after {_SHARD:.0f} s")
        finally:
            end(suite)
    report.take(folder, shard.name, shard.total)
    return report


@contextmanager
def started(
    host: Host, app: str, log: Path, *, gateway: bool = True
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start a host, and a gateway to it where one is needed; end both.

    Args:
        host: the host to start.
        app: "contract" or "echo".
        log: the file for its output.
        gateway: whether to start a gateway if the host needs one.

    Yields:
        The port on loopback that clients connect to, and the host's process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if host.gateway == "3" and not CERTIFICATE.exists():
        _make_certificate()
    port = free_port()
    command = [part.format(port=port) for part in host.command]
    with ExitStack() as ends, log.open("wb") as out:
        process = _start(command, out, SOCK_HOSTS_APP=app)
        ends.callback(end, process)
        reached = port
        if host.gateway != "3":
            _wait(process, port, log)
        else:
            time.sleep(2)  # QUIC has no connection that could be tried without speaking it
        if host.gateway and gateway:
            reached = free_port()
            between = [sys.executable, "-m", "hosts.gateway", host.gateway, str(reached), str(port)]
            ends.callback(end, _start(between, out))
            _wait(process, reached, log)
        yield reached, process


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here, unless it has ended."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_BOUND / 3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port of loopback that is free at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _start(command: list[str], out: IO[bytes], **environment: str) -> subprocess.Popen[bytes]:
    # The folder has only `hosts` in it, because daphne needs another `autobahn` than ours.
    path = WORK / "path"
    path.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (path / "hosts").symlink_to(HERE)
    return subprocess.Popen(
        command,
        cwd=path,
        env=os.environ | environment | {"PYTHONPATH": os.pathsep.join((str(path), str(SOURCE)))},
        stdout=out,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _BOUND
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output = log.read_text(errors="replace").strip()
            raise NotStarted(f"the host ended with {process.returncode}\n{output}")
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                # TCP connects a socket to itself if it happens to get this very port.
                if probe.getsockname() != probe.getpeername():
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise NotStarted(f"no process listens on port {port}\n{log.read_text(errors='replace')}")


def _make_certificate() -> None:
    """Make a self-signed certificate for loopback."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    CERTIFICATE.parent.mkdir(parents=True, exist_ok=True)
    CERTIFICATE.write_bytes(pem)
    CERTIFICATE.chmod(0o600)


def _slug(host: Host) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in host.name.lower())
