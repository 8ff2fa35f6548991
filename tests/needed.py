"""Programs of the system that a test needs, such as nginx."""

from __future__ import annotations

import os
import shutil

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
