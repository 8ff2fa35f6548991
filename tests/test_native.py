"""The switch between compiled and pure."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import sock
from sock import native

SAYS = (
    "import sock; from sock.engine import lifecycle; print(sock.native.ACTIVE, lifecycle.__file__)"
)


def run(code, **variables):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_the_extension_every_module_is_python():
    active, file = run(SAYS, SOCK_EXTENSION="0").stdout.split()
    assert active == "False"
    assert file.endswith("lifecycle.py")


@pytest.mark.skipif(not native.ACTIVE, reason="the compiled core is not in use")
def test_with_the_extension_its_modules_are_taken_from_the_one_file():
    active, file = run(SAYS, SOCK_EXTENSION="1").stdout.split()
    assert active == "True"
    assert "_core" in file


@pytest.mark.skipif(not native.ACTIVE, reason="the compiled core is not in use")
def test_every_module_of_the_core_can_be_imported_and_all_but_the_raw_ones_have_a_pure_form():
    code = (
        "import importlib, importlib.util, pathlib, sock, sock._core as core\n"
        "root = pathlib.Path(sock.__file__).parent.parent\n"
        "for name in core.MODULES:\n"
        "    assert importlib.import_module(name).__file__ == core.__file__, name\n"
        "    pure = (root / (name.replace('.', '/') + '.py')).is_file()\n"
        # What a `raw_` module does with memory, the pure form of its neighbour does with bytes.
        "    assert pure != name.rpartition('.')[2].startswith('raw_'), name\n"
    )
    done = run(code, SOCK_EXTENSION="1")
    assert done.returncode == 0, done.stderr


def test_one_that_is_demanded_and_missing_is_an_error_that_says_what_to_do():
    hidden = "import sys; sys.modules['sock._core'] = None; import sock"
    done = run(hidden, SOCK_EXTENSION="1")
    assert done.returncode == 1
    assert "ImportError: SOCK_EXTENSION=1 demands the compiled core" in done.stderr
    assert "pip install" in done.stderr


def test_one_that_is_missing_is_no_error_otherwise():
    hidden = "import sys; sys.modules['sock._core'] = None; "
    assert run(hidden + SAYS, SOCK_EXTENSION="").stdout.startswith("False")


def test_pure_python_is_described_as_such():
    done = run("from sock import native; print(native.describe())", SOCK_EXTENSION="0")
    assert done.stdout == "pure Python\n"


@pytest.mark.skipif(not native.ACTIVE, reason="the compiled core is not in use")
def test_a_core_older_than_its_sources_is_described_as_such_in_a_checkout_only(tmp_path):
    package = tmp_path / "src/sock"
    shutil.copytree(Path(sock.__file__).parent, package)
    # There may be those of other Pythons beside it.
    core = package / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"

    def described():
        code = "from sock import _core, native; print(_core.__file__, native.describe(), sep='|')"
        file, words = run(code, SOCK_EXTENSION="1", PYTHONPATH=f"{tmp_path / 'src'}").stdout.split(
            "|"
        )
        assert file == str(core)
        return words.strip()

    os.utime(core, (1, 1))
    assert described() == "compiled core"
    (tmp_path / "setup.py").touch()
    assert described() == "compiled core (older than its sources: make core)"
    os.utime(core)
    assert described() == "compiled core"


def test_another_word_is_refused():
    done = run("import sock", SOCK_EXTENSION="yes")
    assert "SOCK_EXTENSION is 0 to forbid the compiled core or 1 to demand it" in done.stderr
