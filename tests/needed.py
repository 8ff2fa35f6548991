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
    """Return the folder in which Node finds the packages of `tests/node/package.json`.

    It is that of this checkout, or that of the checkout whose environment runs the tests. Where
    `make build/node/.made` has not installed them, the test is skipped, or fails in CI.
    """
    needed("node", "nodejs")
    checkouts = Path(__file__).parents[1], Path(sys.prefix).parent
    for folder in (checkout / "build" / "node" for checkout in checkouts):
        if (folder / "node_modules").is_dir():
            return folder
    required = {"all", "node"} & set(os.environ.get("SOCK_REQUIRE", "").split(","))
    assert not required, "SOCK_REQUIRE demands the packages of Node, and they are not installed"
    pytest.skip("no packages of Node (make build/node/.made)")
