"""Right uses of the API pass both type checkers, and each wrong use fails both on its line.

`right_*.py` and `wrong_*.py` are read by the checkers and never run. A line of the latter that is
wrong ends in `# error: why`; all those lines, and no other, must be found.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import pytest

pytestmark = pytest.mark.one_form

pytest.importorskip("mypy")
pytest.importorskip("pyright")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RIGHT = sorted(HERE.glob("right_*.py"))
WRONG = sorted(HERE.glob("wrong_*.py"))
FILES = [str(path) for path in (*RIGHT, *WRONG)]

Lines: TypeAlias = dict[str, dict[int, str]]
"""What was found, by the name of the file and the number of the line."""

_MYPY_ERROR = re.compile(r"(?P<path>[^:]+):(?P<line>\d+): error: (?P<told>.*)")


def mypy(folder: Path) -> Lines:
    options = ["--strict", "--python-version=3.11", "--no-error-summary", "--config-file="]
    command = [sys.executable, "-m", "mypy", *options, f"--cache-dir={folder}", *FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    lines: Lines = {}
    for one in _MYPY_ERROR.finditer(done.stdout):
        lines.setdefault(Path(one["path"]).name, {})[int(one["line"])] = one["told"]
    return lines


def pyright(folder: Path) -> Lines:
    config = folder / "pyrightconfig.json"
    config.write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}')
    options = ["--outputjson", "--pythonpath", sys.executable]
    command = [sys.executable, "-m", "pyright", *options, *FILES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(FILES)
    lines: Lines = {}
    for one in report["generalDiagnostics"]:
        line = one["range"]["start"]["line"] + 1
        lines.setdefault(Path(one["file"]).name, {})[line] = one["message"]
    return lines


@pytest.fixture(scope="module", params=[mypy, pyright], ids=["mypy", "pyright"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lines:
    lines: Lines = request.param(tmp_path_factory.mktemp("checker"))
    return lines


def marked(path: Path) -> set[int]:
    lines = enumerate(path.read_text().splitlines(), start=1)
    return {number for number, line in lines if "  # error: " in line}


# A checker without a cache reads the standard library's types first, once for all of these.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_use_passes(found: Lines, path: Path) -> None:
    assert found.get(path.name, {}) == {}
    assert marked(path) == set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_use_fails_on_its_line(found: Lines, path: Path) -> None:
    lines = found.get(path.name, {})
    assert sorted(marked(path) - set(lines)) == [], "these wrong uses pass"
    assert {line: lines[line] for line in set(lines) - marked(path)} == {}, "these are not marked"


def test_there_are_right_and_wrong_uses() -> None:
    assert len(RIGHT) >= 4
    assert sum(len(marked(path)) for path in WRONG) >= 70
