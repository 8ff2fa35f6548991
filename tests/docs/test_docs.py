"""The documentation says what is so: its examples run, its tables are complete, its numbers exist.

Every ```python block of a page is run, in order, the page in a namespace of its own, and then every
`test_…` in it; but for a block under a line `<!-- not run: why -->`. What is run is also read by
mypy in strict mode, as one module for each page, and so is a block `<!-- typed, not run: why -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sock import telemetry
from sock.cli.command import run as run_command
from sock.spec.options import DEFAULTS, SERVER_FIELDS

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).parents[2]
SPECIFICATION = ROOT / "docs" / "reference" / "specification.md"
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted(ROOT.glob("docs/**/*.md")) if "_build" not in page.parts),
]
BLOCK = re.compile(
    r"^(?P<skipped><!-- (?P<typed>typed, )?not run: [^\n]+ -->\n)?```python\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
DECLARED = re.compile(r"^\[(S\d+\.\d+)\] ", re.MULTILINE)
CITED = re.compile(r"\bS\d+\.\d+\b")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def statements() -> list[str]:
    return DECLARED.findall(SPECIFICATION.read_text())


def first_cells(page: str) -> list[str]:
    """Return what the rows of a page's tables name first, in code."""
    text = (ROOT / "docs" / "reference" / page).read_text()
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


class TestExamples:
    @pytest.mark.parametrize("page", PAGES, ids=name_of)
    def test_the_examples_of_a_page_run_and_its_tests_pass(self, page, monkeypatch):
        monkeypatch.setattr(telemetry, "_subscribers", ())  # what a page subscribes ends with it
        text = page.read_text()
        names = {"__name__": "docs_example"}
        for block in BLOCK.finditer(text):
            if block["skipped"]:
                continue
            # Lines of a traceback are those of the page.
            before = "\n" * text.count("\n", 0, block.start("code"))
            code = compile(before + block["code"], str(page), "exec", dont_inherit=True)
            exec(code, names)  # noqa: S102 - our own documentation
        for name, value in list(names.items()):
            if name.startswith("test_"):
                value()

    def test_there_are_examples_at_all(self):
        blocks = [block for page in PAGES for block in BLOCK.finditer(page.read_text())]
        assert len([block for block in blocks if not block["skipped"]]) > 20

    def test_every_example_is_run_or_says_why_not(self):
        for page in PAGES:
            text = page.read_text()
            blocks = list(BLOCK.finditer(text))
            assert len(blocks) == len(re.findall(r"^```python$", text, re.MULTILINE)), page
            marked = [block for block in blocks if block["skipped"]]
            assert len(marked) == len(re.findall(r"^<!--.*not run:", text, re.MULTILINE)), page


def program(page: Path) -> str:
    """Return the programs of a page as one module, each line where it is on the page."""
    text = page.read_text()
    lines = [""] * text.count("\n")
    for block in BLOCK.finditer(text):
        if not block["skipped"] or block["typed"]:
            first = text.count("\n", 0, block.start("code"))
            code = block["code"].splitlines()
            lines[first : first + len(code)] = code
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def mistyped(tmp_path_factory) -> dict[str, list[str]]:
    """Return what mypy in strict mode says of the pages, by their names."""
    pytest.importorskip("mypy")
    folder = tmp_path_factory.mktemp("pages")
    files = {}
    for page in PAGES:
        module = re.sub(r"\W", "_", name_of(page).removesuffix(".md")).lower() + ".py"
        (folder / module).write_text(program(page))
        files[module] = page
    # What other servers leave untyped is theirs.
    config = folder / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\n[mypy-django.*]\nignore_missing_imports = true\n")
    options = ["--python-version=3.11", "--no-error-summary", f"--config-file={config}"]
    command = [sys.executable, "-m", "mypy", *options, f"--cache-dir={folder / 'cache'}", *files]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("MYPYPATH", "")])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "MYPYPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found: dict[str, list[str]] = {}
    for module, number, told in re.findall(
        r"^(.+?):(\d+): error: (.+)$", done.stdout, re.MULTILINE
    ):
        page = files[Path(module).name]
        line = page.read_text().splitlines()[int(number) - 1]
        # pytest calls a test, and gives it what its parameters name: it needs no types.
        if not (line.startswith("def test_") and told.endswith("[no-untyped-def]")):
            found.setdefault(name_of(page), []).append(f"{number}: {told}")
    return found


class TestTypes:
    # mypy without a cache reads the standard library first, once for all pages.
    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("page", PAGES, ids=name_of)
    def test_the_examples_of_a_page_have_right_types(self, mistyped, page):
        assert mistyped.get(name_of(page), []) == []


class TestLandingPage:
    def test_it_links_every_other_page(self):
        index = ROOT / "docs" / "index.md"
        linked = set(re.findall(r"^- .*?\]\(([^)#]+\.md)\)", index.read_text(), re.MULTILINE))
        pages = {str(page.relative_to(index.parent)) for page in PAGES[1:] if page != index}
        assert pages - linked == set()


class TestThreads:
    def test_the_rooms_of_a_page_may_change_while_a_thread_tells_them_something(self, monkeypatch):
        monkeypatch.setattr(telemetry, "_subscribers", ())
        names = {"__name__": "docs_example"}
        code = program(ROOT / "docs/howto/rooms-in-one-process.md")
        exec(compile(code, "a page", "exec", dont_inherit=True), names)  # noqa: S102 - our own
        rooms, came = names["Rooms"](), []

        class Ref:
            def send(self, text):
                """Stand for the event loop, which lets another one in at the worst moment."""
                came.append(Ref())
                entering = threading.Thread(
                    target=rooms.enter, args=("a", came[-1], ""), daemon=True
                )
                entering.start()
                entering.join(5)
                assert not entering.is_alive(), "the lock is held while others are told"

        rooms.enter("a", Ref(), "")
        rooms.enter("a", Ref(), "")
        assert rooms.tell("a", "hello") == 2
        assert rooms.tell("a", "hello again") == 4


class TestSpecification:
    def test_every_statement_has_a_number_of_its_own_and_they_ascend(self):
        numbers = [tuple(map(int, one[1:].split("."))) for one in statements()]
        assert len(numbers) > 100
        assert numbers == sorted(set(numbers))

    def test_every_number_stands_in_its_section(self):
        section = None
        for line in SPECIFICATION.read_text().splitlines():
            if heading := re.match(r"## (\d+)\. ", line):
                section = heading[1]
            elif declared := DECLARED.match(line):
                assert declared[1].startswith(f"S{section}."), line

    def test_every_statement_says_must_should_or_may(self):
        text = SPECIFICATION.read_text()
        for part in re.split(r"\n\n", text):
            if DECLARED.match(part):
                assert re.search(r"\b(MUST|SHOULD|MAY)\b", part), part

    @pytest.mark.parametrize("folder", ["core", "docs", "examples", "hosts", "src", "tests"])
    def test_every_number_that_is_cited_exists(self, folder):
        known = set(statements())
        files = [
            file
            for suffix in ("md", "py", "pxd", "pyx", "toml")
            for file in (ROOT / folder).rglob(f"*.{suffix}")
            if "_build" not in file.parts
        ]
        unknown = {
            (name_of(file), cited)
            for file in files
            for cited in CITED.findall(file.read_text())
            if cited not in known
        }
        assert not unknown


class TestTables:
    def test_every_event_is_in_the_table_of_telemetry(self):
        sources = "".join(file.read_text() for file in (ROOT / "src").rglob("*.py"))
        emitted = set(re.findall(r"(?:emit|emit_fields|_tell)\(\s*\"([a-z.]+)\"", sources))
        assert set(first_cells("telemetry.md")) == emitted

    def test_every_option_is_in_a_table_that_says_whose_it_is(self):
        text = (ROOT / "docs" / "reference" / "options.md").read_text()
        connection, server = text.split("## Of the server")
        assert set(re.findall(r"^\| `([^`]+)` \|", server, re.MULTILINE)) == SERVER_FIELDS
        of_connection = set(re.findall(r"^\| `([^`]+)` \|", connection, re.MULTILINE))
        assert of_connection >= set(DEFAULTS) - SERVER_FIELDS

    def test_every_option_has_its_limit_in_the_specification(self):
        assert set(first_cells("specification.md")) >= set(DEFAULTS)

    def test_every_option_of_the_command_line_is_in_its_table(self):
        named = {
            option
            for parameter in run_command.params
            for option in parameter.opts
            if option.startswith("--")
        }
        assert set(first_cells("command-line.md")) >= named
