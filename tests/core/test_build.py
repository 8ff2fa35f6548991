"""What was built is of these sources, and what the compiler was asked for is in it."""

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUP = runpy.run_path(str(ROOT / "setup.py"), run_name="not main")

# Some translate and compile the whole core, beside other tests on the same cores.
pytestmark = pytest.mark.timeout(240)


def test_the_core_was_built_from_these_sources(core):
    assert SETUP["digest"]() == core.DIGEST, "stale: make core"


def test_the_loop_that_unmasks_is_one_of_vectors(core):
    # "SIMD by the compiler, checked in the object code": 16 bytes a step, not 8.
    if shutil.which("objdump") is None:
        assert not os.environ.get("SOCK_REQUIRE"), "no objdump on the PATH"
        pytest.skip("no objdump on the PATH (apt-get install binutils)")
    objects = sorted((ROOT / "build").glob("temp.*/build/core/sock/wire/raw_parser.o"))
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


@pytest.mark.parametrize(
    "declaration", sorted(ROOT.glob("core/**/*.pxd")), ids=lambda path: path.stem
)
def test_no_class_that_is_compiled_has_an_attribute_that_cython_warns_of(declaration):
    # "Annotation ignored since class-level attributes must be Python objects": at every `make run`.
    compiled = set(re.findall(r"^cdef class (\w+)", declaration.read_text(), re.MULTILINE))
    if declaration.with_suffix(".pyx").exists():
        pytest.skip("compiled from its twin")
    source = ROOT / "src/sock" / declaration.relative_to(ROOT / "core").with_suffix(".py")
    found = [
        f"{source.name}:{line.lineno}"
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name in compiled
        for line in node.body
        if isinstance(line, ast.AnnAssign)
    ]
    assert found == []


# How it is built: a checkout with two modules in its core.

BUILD = ("setup.py", "--quiet", "build_ext")
RUN = "; import runpy; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
ANOTHER_CYTHON = "import sys, Cython; Cython.__version__ = '9'" + RUN
NO_CYTHON = "import sys; sys.modules['Cython'] = None" + RUN


@pytest.fixture
def checkout(tmp_path):
    pytest.importorskip("Cython", reason="needs what builds the core: make core")
    shutil.copy(ROOT / "setup.py", tmp_path)
    (tmp_path / "core/wire").mkdir(parents=True)
    for name in ("mask.h", "mask.pyx", "sha1.h", "key.pyx"):
        shutil.copy(ROOT / "core/wire" / name, tmp_path / "core/wire")
    return tmp_path


@pytest.fixture
def build(checkout):
    def build(*command, **variables):
        return subprocess.run(
            [sys.executable, *(command or BUILD)],
            cwd=checkout,
            env={**os.environ, "SOCK_EXTENSION": "1", "SOCK_CFLAGS": "-O0", **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return build


@pytest.fixture
def built(checkout, build):
    done = build()
    assert done.returncode == 0, done.stderr
    return checkout


def only(folder, pattern):
    (found,) = folder.rglob(pattern)
    return found


def append(file, text):
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_what_has_not_changed_is_not_compiled_again(built, build):
    append(built / "core/wire/mask.pyx", "\n")
    files = [only(built, "key.o"), only(built, "mask.o")]
    same, changed = (file.stat().st_mtime_ns for file in files)
    assert build().returncode == 0
    assert files[0].stat().st_mtime_ns == same
    assert files[1].stat().st_mtime_ns > changed


def test_a_header_that_has_changed_is_compiled(built, build):
    # Otherwise the core is stale, and its digest, which has the headers in it, says that it is not.
    append(built / "core/wire/mask.h", "#error this is new\n")
    assert "this is new" in build().stderr


def test_with_other_flags_all_is_compiled_again(built, build):
    assert "no-such-flag" in build(SOCK_CFLAGS="-fno-such-flag").stderr
    assert "no-such-library" in build(SOCK_LDFLAGS="-lno-such-library").stderr


def test_with_another_cython_all_is_translated_again(built, build):
    # Cython sees to that: its version is in the first line of what it writes.
    translated = only(built, "mask.c")
    append(translated, "#error this is old\n")
    assert "this is old" in build().stderr
    assert build("-c", ANOTHER_CYTHON, *BUILD).returncode == 0
    assert "this is old" not in translated.read_text(encoding="utf-8")


def test_a_declaration_that_is_taken_back_is_hidden_from_the_others(checkout):
    declaration = checkout / "core/wire/mask.pxd"
    declaration.write_text("", encoding="utf-8")
    setup = runpy.run_path(str(checkout / "setup.py"), run_name="not main")
    setup["stage"]()
    staged = only(checkout / "build", "mask.pxd")
    declaration.unlink()
    setup["stage"]()
    assert not staged.exists()


def test_no_core_of_before_is_left_where_it_cannot_be_compiled(built, build):
    core = only(built / "build", "_core*.so")
    done = build(CC="no-such-compiler", SOCK_EXTENSION="")
    assert done.returncode == 0
    assert not core.exists()


def test_where_there_is_no_cython_the_build_is_pure_and_says_so(build):
    done = build("-c", NO_CYTHON, *BUILD, SOCK_EXTENSION="")
    assert done.returncode == 0
    assert done.stderr == "sock: no compiled core: Cython is not installed\n"


def test_where_cython_refuses_the_sources_the_build_is_pure_and_says_so(checkout, build):
    (checkout / "core/wire/mask.pyx").write_text("cdef cdef", encoding="utf-8")
    done = build(SOCK_EXTENSION="")
    assert done.returncode == 0
    assert "sock: no compiled core: Cython refuses its sources\n" in done.stderr


def test_a_core_that_is_demanded_and_cannot_be_built_is_an_error_that_says_why(checkout, build):
    done = build("-c", NO_CYTHON, *BUILD)
    demanded = "SOCK_EXTENSION=1 demands the compiled core, which cannot be built"
    assert (done.returncode, done.stderr) == (1, f"{demanded}: Cython is not installed\n")
    (checkout / "core/wire/mask.pyx").write_text("cdef cdef", encoding="utf-8")
    done = build()
    assert done.returncode == 1
    assert done.stderr.endswith(f"{demanded}: Cython refuses its sources\n")


def test_another_word_is_refused_when_it_is_built_too(build):
    done = build(SOCK_EXTENSION="yes")
    assert done.returncode == 1
    assert done.stderr == (
        "SOCK_EXTENSION is 0 to forbid the compiled core or 1 to demand it, not 'yes'\n"
    )


def test_the_makefile_builds_the_core_also_when_nothing_but_flags_has_changed():
    # `make core` said that there was nothing to be done for 'core', which is a folder.
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "core"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "setup.py --quiet build_ext --inplace" in done.stdout
