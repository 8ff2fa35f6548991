"""uvicorn's own tests of its WebSockets, over its own implementation and over ours.

They are taken from the sources of the installed version, on PyPI, and kept in build/. A program
that runs on uvicorn must not notice that our protocol is in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

uvicorn = pytest.importorskip("uvicorn")

FILES = (
    "tests/protocols/test_websocket.py",
    "tests/protocols/test_http.py",
    "tests/middleware/test_logging.py",
    "tests/middleware/test_proxy_headers.py",
)

BY_NAME = (
    "uvicorn skips it for the implementation that ours goes on with, by the name of that class:"
    " it sends the start and the body of a denial in one piece"
)
OF_THE_INSIDE = {
    "test_server_reject_connection_with_invalid_msg": BY_NAME,
    "test_server_reject_connection_with_missing_body": BY_NAME,
    "test_server_multiple_websocket_http_response_start_events": BY_NAME,
    "test_close_gives_up_when_the_peer_never_replies": (
        "it sets the close_timeout of uvicorn's own class from outside"
    ),
}
"""The tests that fail over our protocol, and why that is no difference that a program could see."""

REQUIRED = bool({"all", "hosts"} & set(os.environ.get("SOCK_REQUIRE", "").split(",")))


@pytest.fixture(scope="module")
def sources(pytestconfig) -> Path:
    """Return the sources of the installed uvicorn, its tests among them."""
    kept = pytestconfig.rootpath / "build" / "uvicorn-suite"
    unpacked = kept / f"uvicorn-{uvicorn.__version__}"
    if unpacked.exists():
        return unpacked
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as folder:
        wanted = f"uvicorn=={uvicorn.__version__}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        ended = subprocess.run(
            [*command, "--no-binary", "uvicorn", "--dest", folder, wanted],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if ended.returncode != 0:
            assert not REQUIRED, ended.stderr
            pytest.skip(f"the sources of {wanted} cannot be had: {ended.stderr.strip()[-200:]}")
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        try:
            (Path(folder) / unpacked.name).rename(unpacked)
        except OSError:  # another process of this run was first
            assert unpacked.exists()
    return unpacked


def outcomes(sources: Path, which: str, report: Path) -> dict[str, str]:
    """Run the tests; return what became of each."""
    rootpath = Path(__file__).parents[3]
    environment = os.environ | {
        "SOCK_SUITE": which,
        "PYTHONPATH": os.pathsep.join([str(rootpath / "src"), str(Path(__file__).parent)]),
    }
    # Most of their time is waiting; uvicorn itself takes eight processes.
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-n", "4"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly"]
    ended = subprocess.run(
        [*command, "-p", "uvicorn_suite", f"--junitxml={report}", *FILES],
        cwd=sources,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert report.exists(), ended.stdout + ended.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - pytest has written it
        ill = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
        found[case.attrib["name"]] = ill[0] if ill else "passed"
    counts = {tag: list(found.values()).count(tag) for tag in sorted(set(found.values()))}
    print(f"uvicorn {uvicorn.__version__}, {which}: {counts}")  # noqa: T201 - with -s: what was tried
    return found


@pytest.mark.one_form
@pytest.mark.timeout(600)
def test_a_program_on_uvicorn_does_not_notice_our_protocol(sources, tmp_path):
    own = outcomes(sources, "own", tmp_path / "own.xml")
    ours = outcomes(sources, "sock", tmp_path / "sock.xml")

    def told(found: dict[str, str], name: str) -> str:
        return found.get(name.replace("[own", "[sock").replace("-own", "-sock"), "missing")

    assert len(own) > 200
    assert {one for one in own.values() if one not in {"passed", "skipped"}} == set()
    different = {name for name, outcome in own.items() if told(ours, name) != outcome}
    assert {name.partition("[")[0] for name in different} == set(OF_THE_INSIDE)
    for http in ("httptools", "h11", "zttp"):
        assert sum(http in name for name in own) >= 65, f"{http} was not tried"
