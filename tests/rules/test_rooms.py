"""A room has a README, says what is public in it, and has its tests where they are looked for."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "sock"
TESTS = ROOT / "tests"
MODULES = sorted(SOURCE.rglob("*.py"))
ROOMS = sorted(path.parent for path in SOURCE.glob("*/__init__.py"))
# A room may have packages in it, such as adapters/asgi. What is left out has code in its __init__.
CONTRACT = SOURCE / "testing" / "contract"
PACKAGES = sorted({path.parent for path in SOURCE.rglob("*/__init__.py")} - {CONTRACT})


def pytest_generate_tests(metafunc):
    """Hold a rule of modules, of rooms, or of all packages, against each by itself."""
    if "module" in metafunc.fixturenames:
        names = [str(path.relative_to(SOURCE)) for path in MODULES]
        metafunc.parametrize("module", MODULES, ids=names)
    if "room" in metafunc.fixturenames:
        metafunc.parametrize("room", ROOMS, ids=[path.name for path in ROOMS])
    if "package" in metafunc.fixturenames:
        names = [str(path.relative_to(SOURCE)) for path in PACKAGES]
        metafunc.parametrize("package", PACKAGES, ids=names)


def exported(module):
    """Return `__all__`, or None where a module has none."""
    for node in ast.parse(module.read_text()).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name("__all__")], value=value)
                | ast.AnnAssign(target=ast.Name("__all__"), value=value)
            ):
                return ast.literal_eval(value)
    return None


def reexported(module):
    """Return what is imported from within the package, with the names it is given."""
    tree = ast.parse(module.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    return [alias for node in imports for alias in node.names if node.module]


def defined(module):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = ast.parse(module.read_text()).body
    return {node.name for node in nodes if isinstance(node, kinds) and node.name[0] != "_"}


def in_order(names):
    """Sort as ruff does: constants, classes, functions."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def has_code(module):
    """Tell whether a module has a function that does anything."""
    if module.name in {"__init__.py", "__main__.py"}:
        return False
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            does = [one for one in node.body if not isinstance(one, (ast.Expr, ast.Pass))]
            says = [one for one in node.body if isinstance(one, ast.Expr)]
            if does or any(not isinstance(one.value, ast.Constant) for one in says):
                return True
    return False


def test_there_are_rooms():
    assert {"spec", "wire", "engine", "loop", "live", "hosting"} <= {room.name for room in ROOMS}


def test_a_room_has_a_readme_of_one_screen(room):
    readme = room / "README.md"
    assert readme.is_file()
    assert 5 <= len(readme.read_text().splitlines()) <= 60


def test_a_readme_names_every_module_of_its_room_and_no_other(room):
    text = (room / "README.md").read_text()
    modules = {path for path in room.rglob("*.py") if path.name != "__init__.py"}
    # A module is named as `name.py`, or as `name` in the list of files; one of a package in the
    # room as `package/name.py`, too.
    words = set(re.findall(r"[\w/]+", text))
    missing = {
        str(path)
        for path in modules
        if not words & {path.stem, path.relative_to(room).with_suffix("").as_posix()}
    }
    assert missing == set()
    named = {name for name in re.findall(r"`([\w/]+\.py)`", text) if "test_" not in name}
    known = {path.name for path in MODULES}
    known |= {path.relative_to(one).as_posix() for path in MODULES for one in (SOURCE, ROOT)}
    known |= {path.relative_to(room).as_posix() for path in modules}
    assert named - known == set()


def test_all_is_sorted_and_complete(package):
    module = package / "__init__.py"
    names = exported(module)
    public = {alias.asname or alias.name for alias in reexported(module)} | defined(module)
    if names is None:
        assert public == set()
        return
    assert names == in_order(names)
    assert len(names) == len(set(names))
    assert {name for name in public if name[0] != "_"} <= set(names)


def test_what_is_re_exported_says_so_to_both_type_checkers(package):
    public = [alias for alias in reexported(package / "__init__.py") if alias.name[0] != "_"]
    assert [alias.name for alias in public if alias.asname != alias.name] == []


def test_the_package_re_exports_in_the_same_way():
    module = SOURCE / "__init__.py"
    names = exported(module)
    assert names == in_order(names)
    assert {alias.asname for alias in reexported(module)} == set(names)


def test_a_module_with_code_has_a_test_file_of_its_name(module):
    if not has_code(module):
        pytest.skip("nothing in it runs")
    inside = module.relative_to(SOURCE)
    if CONTRACT in module.parents:
        pytest.skip("these are tests themselves, run by tests/contract")
    assert (TESTS / inside.parent / f"test_{inside.name}").is_file()


# contract/, typing/ and rules/ are tests of the whole; docs/ and examples/ are not in src.
@pytest.mark.parametrize(
    "path",
    [path for room in ROOMS for path in sorted((TESTS / room.name).rglob("test_*.py"))],
    ids=lambda path: str(path.relative_to(TESTS)),
)
def test_a_test_file_has_a_module_of_its_name(path):
    name = path.stem.removeprefix("test_")
    modules = {one.stem for one in (SOURCE / path.relative_to(TESTS)).parent.glob("*.py")}
    # What is proven of a large module may be told apart: test_link.py, test_link_states.py.
    assert [one for one in modules if name == one or name.startswith(f"{one}_")] != []
