"""`wstest`, the client of the suite: it runs in a container, or in a Python 2.7."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .cases import Shard

VERSION: Final = "25.10.1"
"""Of autobahntestsuite, in the container and in requirements.txt."""

IMAGE: Final = f"crossbario/autobahn-testsuite:{VERSION}"
AGENT: Final = "sock"

ROOT: Final = Path(__file__).parent.parent
WORK: Final = ROOT / ".autobahn"
REQUIREMENTS: Final = Path(__file__).parent / "requirements.txt"
VIRTUALENV: Final = "virtualenv==20.15.1"
"""The last version that makes environments for Python 2.7."""


class NoClient(Exception):
    """This machine has neither a container engine nor a Python 2.7."""


@dataclass(frozen=True, slots=True)
class Client:
    """A way to run `wstest`.

    Args:
        title: its description in the report.
        command: the command before `wstest` and its arguments.
    """

    title: str
    command: tuple[str, ...]

    def start(
        self, shard: Shard, port: int, folder: Path, scheme: str = "ws"
    ) -> subprocess.Popen[bytes]:
        """Start the cases of one shard.

        Args:
            shard: the cases.
            port: the port of the server, on loopback.
            folder: for the reports and the log.
            scheme: "ws", or "wss" for TLS, whose certificate the client does not check.

        Returns:
            The process, in a session of its own. Its exit status says nothing about the cases.
        """
        spec = {
            # By default, a server that has not closed TCP after one second fails, which is too
            # short for a machine that stalls.
            "options": {"closeHandshakeTimeout": 5, "serverConnectionDropTimeout": 5},
            "outdir": str(folder),
            "servers": [{"agent": AGENT, "url": f"{scheme}://127.0.0.1:{port}/"}],
            "cases": list(shard.patterns),
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        path = folder / "spec.json"
        path.write_text(json.dumps(spec, indent=1))
        with (folder / "wstest.log").open("wb") as log:
            return subprocess.Popen(
                [*self.command, "wstest", "-m", "fuzzingclient", "-s", str(path)],
                cwd=folder,  # in our root, this package would hide the `autobahn` of the suite
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def find() -> Client:
    """Return a client that runs in a container if an engine answers, else in a Python 2.7.

    Raises:
        NoClient: this machine has neither.
    """
    if _engine_answers():
        # The folder has the same path in the container, so both clients have one specification.
        mount = f"{WORK}:{WORK}"
        user = f"{os.getuid()}:{os.getgid()}"
        run = (
            "docker",
            "run",
            "--rm",
            "--init",
            "--network=host",
            "--user",
            user,
            "--volume",
            mount,
            IMAGE,
        )
        return Client(f"the container image {IMAGE}", run)
    for python in _pythons():
        version = _version_of(python)
        if version.startswith("Python 2.7"):
            return Client(f"{version}, autobahntestsuite {VERSION}", _environment(python))
    raise NoClient("this needs a container engine that answers `docker info`, or a Python 2.7")


def _engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def _pythons() -> Iterator[str]:
    if shutil.which("pyenv") is not None:
        root = subprocess.run(["pyenv", "root"], capture_output=True, check=True, text=True)
        for path in sorted(Path(root.stdout.strip()).glob("versions/2.7.*/bin/python")):
            yield str(path)
    yield from ("python2.7", "python2")


def _version_of(python: str) -> str:
    # Python 2.7 prints its version on stderr. A shim of pyenv on PATH may have no Python behind it.
    try:
        done = subprocess.run([python, "--version"], capture_output=True, check=False, text=True)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip()


def _environment(python: str) -> tuple[str, ...]:
    """Make the environment of the suite once, and again when its requirements change."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:8]
    home = WORK / f"python27-{digest}"
    if not (home / "bin" / "wstest").exists():
        boot = WORK / "boot"
        shutil.rmtree(home, ignore_errors=True)
        print(f"autobahn: making {home.relative_to(ROOT)}, which takes a minute", flush=True)
        _quietly([python, "-m", "pip", "install", "--target", str(boot), VIRTUALENV])
        _quietly([python, "-m", "virtualenv", str(home)], PYTHONPATH=str(boot))
        _quietly([str(home / "bin" / "pip"), "install", "-r", str(REQUIREMENTS)])
        shutil.rmtree(boot)
    # With `env`, `wstest` stands in the same place of the command as in the container.
    return ("env", "--unset=PYTHONPATH", f"PATH={home / 'bin'}{os.pathsep}{os.environ['PATH']}")


def _quietly(command: Sequence[str], **environment: str) -> None:
    done = subprocess.run(
        command, capture_output=True, check=False, env=os.environ | environment, text=True
    )
    if done.returncode:
        raise NoClient(f"{' '.join(command)}\n{done.stderr}")
