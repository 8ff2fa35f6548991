"""Programs of the system that a test needs, such as nginx."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
"""Where to look: the PATH of a user may leave out the folders of servers."""


def needed(name: str, package: str | None = None) -> str:
    """Return the path of a program; skip the test where there is none, or fail in CI.

    Args:
        name: of the program.
        package: of Debian, which has it; None where it has the same name.
    """
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        required = {"all", name} & set(os.environ.get("SOCK_REQUIRE", "").split(","))
        assert not required, f"SOCK_REQUIRE demands {name}, and it is not on the PATH"
        pytest.skip(f"no {name} on the PATH (apt-get install {package or name})")
    return path


def node_folder() -> Path:
    """Return the folder in which Node finds the packages of `tests/node/package.json`."""
    needed("node", "nodejs")
    return _made("node", "node_modules")


def python_clients() -> Path:
    """Return the folder of the packages of `tests/clients/requirements.txt`."""
    return _made("clients", "realtime")


def _made(name: str, needs: str) -> Path:
    """Return a folder that make has made: of this checkout, or of the one with the environment.

    Where `make build/NAME/.made` has not made it, the test is skipped, or fails in CI.
    """
    checkouts = Path(__file__).parents[1], Path(sys.prefix).parent
    for folder in (checkout / "build" / name for checkout in checkouts):
        if (folder / needs).is_dir():
            return folder
    required = {"all", name} & set(os.environ.get("SOCK_REQUIRE", "").split(","))
    assert not required, f"SOCK_REQUIRE demands build/{name}, which make has not made"
    pytest.skip(f"no build/{name} (make build/{name}/.made)")
