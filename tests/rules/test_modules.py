"""A module is small, and its name says what it holds."""

import ast
import warnings
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sock"
VAGUE = {"base", "common", "helpers", "manager", "misc", "utils"}

pytestmark = [
    pytest.mark.one_form,
    pytest.mark.parametrize(
        "module", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
    ),
]


@pytest.mark.filterwarnings("default:.* lines, more than 300:UserWarning")
def test_a_module_is_never_over_500_lines(module):
    lines = len(module.read_text().splitlines())
    if lines > 300:
        warnings.warn(f"{module.relative_to(SOURCE)}: {lines} lines, more than 300", stacklevel=1)
    assert lines <= 500


def test_a_module_has_a_name_that_says_something(module):
    parts = {part.removesuffix(".py").strip("_") for part in module.relative_to(SOURCE).parts}
    assert parts.isdisjoint(VAGUE)


def test_a_module_says_first_what_it_is(module):
    assert ast.get_docstring(ast.parse(module.read_text()))


def test_nothing_is_left_to_be_done(module):
    assert "TODO" not in module.read_text()
    assert "FIXME" not in module.read_text()
