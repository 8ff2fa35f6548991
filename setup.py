"""Build the compiled core, where that is possible: one extension, `sock._core`.

The rest of the package is described in `pyproject.toml`, and the core in `core/README.md`.

    variable          what it does
    ----------------  ------------------------------------------------------------------
    SOCK_EXTENSION=0  leave the core out
    SOCK_EXTENSION=1  fail where it cannot be built; otherwise a machine without a C
                      compiler or without Cython gets the package without it
    SOCK_CFLAGS       more options for the compiler, such as -fsanitize=address
    SOCK_LDFLAGS      more options for the linker
"""

from __future__ import annotations

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
CORE = ROOT / "core"
SOURCE = ROOT / "src" / "sock"
STAGE = ROOT / "build" / "core"
"""Where sources and declarations stand beside each other, as Cython needs them."""

WANTED = os.environ.get("SOCK_EXTENSION", "")
CFLAGS = os.environ.get("SOCK_CFLAGS", "-g0").split()
LDFLAGS = os.environ.get("SOCK_LDFLAGS", "").split()
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # the types are those that `core` declares
    "auto_pickle": False,
    "binding": True,
}


def modules() -> list[str]:
    """Return the modules to compile, such as "engine/lifecycle": all that `core` declares."""
    found = {path.relative_to(CORE).with_suffix("").as_posix() for path in CORE.rglob("*.p*")}
    if not sys.platform.startswith("linux"):
        found.discard("loop/epoll")
    return sorted(found)


def sources(module: str) -> list[Path]:
    """Return the files of a module: the `.pyx` or the Python source, and the declarations."""
    twin, declared = CORE / f"{module}.pyx", CORE / f"{module}.pxd"
    return [twin if twin.exists() else SOURCE / f"{module}.py", *([declared] * declared.exists())]


def headers() -> dict[str, str]:
    """Return the texts of the headers, by their places in the stage."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(CORE.rglob("*.h"))}


def texts() -> dict[str, str]:
    """Return the texts that the core is compiled from, by their places in the stage."""
    found = headers()
    for module in modules():
        package = f"sock/{module.rpartition('/')[0]}"
        for parent in (*Path(package).parents, Path(package)):
            if parent.parts:
                found[f"{parent.as_posix()}/__init__.py"] = ""
        for path in sources(module):
            found[f"{package}/{path.name}"] = path.read_text(encoding="utf-8")
    return found


def digest() -> str:
    """Return a digest of the sources, by which a core that is older than them is noticed."""
    return hashlib.sha256(repr(sorted(texts().items())).encode()).hexdigest()


def stage() -> list[str]:
    """Lay out the sources for Cython; return those to compile, relative to the stage."""
    staged = texts()
    names = tuple(f"sock.{module.replace('/', '.')}" for module in modules())
    staged["sock/_core.py"] = f"MODULES = {names!r}\nDIGEST = {digest()!r}\n"
    # Cython does not notice other directives, and would use a declaration that was removed.
    _keep("*.*", STAGE / "made-by", (DIRECTIVES, sorted(staged)))
    for name, text in staged.items():
        # The declarations have Cython's own `final`. The line stays, for the line numbers.
        _write(STAGE / name, text.replace("\n@final\n", "\n\n") if name.endswith(".py") else text)
    return [
        name
        for name in staged
        if name.endswith((".py", ".pyx")) and not name.endswith("__init__.py")
    ]


def _keep(pattern: str, stamp: Path, made_by: object) -> None:
    """Keep the files beside a stamp if `made_by` is what it was then; remove them otherwise."""
    text = repr(made_by)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != text:
        for old in stamp.parent.rglob(pattern):
            old.unlink()
        _write(stamp, text)


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def extension() -> Extension:
    """Return the core, its C sources written by Cython."""
    from Cython.Build import cythonize

    bodies = stage()
    before = Path.cwd()
    os.chdir(STAGE)  # so that a traceback names sock/engine/lifecycle.py
    try:
        compiled = cythonize(
            bodies,
            include_path=["."],
            compiler_directives=DIRECTIVES,
            quiet=True,
        )
    finally:
        os.chdir(before)
    stage_path = STAGE.relative_to(ROOT)
    return Extension(
        "sock._core",
        [(stage_path / source).as_posix() for one in compiled for source in one.sources],
        include_dirs=[str(stage_path)],
        # A method of C taken for one of Python would be a wrong pointer: an error, not a warning.
        extra_compile_args=["-O3", "-Werror=incompatible-pointer-types", *CFLAGS],
        extra_link_args=LDFLAGS,
        optional=WANTED != "1",
    )


def extensions() -> list[Extension]:
    """Return the core if it is wanted and can be built, and nothing otherwise."""
    if WANTED not in {"", "0", "1"}:  # as in `src/sock/native.py`
        sys.exit(
            f"SOCK_EXTENSION is 0 to forbid the compiled core or 1 to demand it, not {WANTED!r}"
        )
    if WANTED == "0" or sys.platform == "win32":
        return []
    try:
        from Cython.Compiler.Errors import CompileError
    except ImportError:
        return _none("Cython is not installed")
    try:
        return [extension()]
    except CompileError:  # Cython has shown the error
        return _none("Cython refuses its sources")


def _none(why: str) -> list[Extension]:
    if WANTED == "1":
        sys.exit(f"SOCK_EXTENSION=1 demands the compiled core, which cannot be built: {why}")
    sys.stderr.write(f"sock: no compiled core: {why}\n")
    return []


class BuildSideBySide(build_ext):
    """Compiles the sources of the core in parallel, and only those that have changed."""

    def build_extensions(self) -> None:
        """Build what has changed, and link."""
        one = self.compiler.compile
        # The digest covers the headers, so objects that were made with other headers must not stay.
        flags = self.compiler.compiler_so, [each.extra_compile_args for each in self.extensions]
        objects = Path(self.build_temp) / STAGE.relative_to(ROOT)
        _keep("*.o", objects / "compiled-by", (flags, headers()))
        # Linking is quick, so it is done each time. A failed build leaves no stale core behind.
        for each in self.extensions:
            Path(self.get_ext_fullpath(each.name)).unlink(missing_ok=True)

        def many(files: list[str], output_dir: str = "", **how: Any) -> list[str]:
            def compiled(file: str) -> str:
                (target,) = self.compiler.object_filenames([file], output_dir=output_dir)
                made = Path(target)
                if not made.exists() or made.stat().st_mtime < Path(file).stat().st_mtime:
                    one([file], output_dir=output_dir, **how)
                return target

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                return list(pool.map(compiled, files))

        self.compiler.compile = many
        super().build_extensions()


if __name__ == "__main__":
    setup(
        cmdclass={"build_ext": BuildSideBySide},
        ext_modules=extensions(),
    )
