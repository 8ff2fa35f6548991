"""What was built is of these sources, and what the compiler was asked for is in it."""

import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUP = runpy.run_path(str(ROOT / "setup.py"), run_name="not main")


def test_the_core_was_built_from_these_sources(core):
    assert SETUP["digest"]() == core.DIGEST, "stale: make core"


def test_the_loop_that_unmasks_is_one_of_vectors(core):
    # "SIMD by the compiler, checked in the object code": 16 bytes a step, not 8.
    if shutil.which("objdump") is None:
        assert not os.environ.get("SOCK_REQUIRE"), "no objdump on the PATH"
        pytest.skip("no objdump on the PATH (apt-get install binutils)")
    objects = sorted((ROOT / "build").glob("temp.*/build/core/sock/runtime/lane.o"))
    if not objects:
        pytest.skip("built elsewhere: no object code is kept here")
    whole = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", objects[-1]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (code,) = re.findall(r"<sock_unmask[^>]*>:\n((?:.+\n)+)", whole)
    # On x86-64 and on arm64: an XOR of 16 bytes, between a load and a store of as many.
    assert re.search(r"\b(v?pxor|v?xorps)\b|\beor\s+v", code), code
