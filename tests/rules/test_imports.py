"""`import sock` is cheap and needs nothing but the standard library."""

import json
import subprocess
import sys

import pytest

from sock import native

pytestmark = pytest.mark.one_form

SCRIPT = """
import json, sys
before = set(sys.modules)
{statement}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported_by(statement):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def imported():
    return imported_by("import sock")


def test_importing_sock_imports_nothing_outside_the_standard_library(imported):
    roots = {name.partition(".")[0] for name in imported}
    # What Cython's modules share has no file: it is made when the first of them is imported.
    shared = {name for name in roots if name.startswith(("_cython_", "cython_runtime"))}
    assert roots - sys.stdlib_module_names - shared == {"sock"}
    assert native.ACTIVE or not shared


def test_importing_sock_imports_no_event_loop_and_no_network(imported):
    heavy = {"asyncio", "email", "http", "logging", "select", "selectors", "socket", "ssl"}
    assert heavy.intersection(imported) == set()


def test_importing_sock_imports_the_specification_alone(imported):
    ours = {name for name in imported if name.startswith("sock.")}
    assert {name.split(".")[1] for name in ours} - {"_core"} == {"spec", "native"}


def test_asking_for_what_there_is_imports_nothing_more(imported):
    assert imported_by("import sock; dir(sock); hasattr(sock, 'nothing')") == imported
