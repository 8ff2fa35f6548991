"""Who writes a host looks up what the specification and its guide name: all of it exists."""

import re
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("reference/specification.md", "howto/write-a-host.md")
NAME = re.compile(r"(?<=`)sock(?:\.\w+)+")


def exists(name):
    """Tell whether a name with dots stands for a module, or for something in one."""
    module, _, attribute = name.rpartition(".")
    try:
        if hasattr(import_module(module), attribute):
            return True
        import_module(name)
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES)
def test_every_name_of_the_package_on_the_pages_for_hosts_exists(page):
    names = set(NAME.findall((DOCS / page).read_text()))
    assert len(names) >= 3
    assert [name for name in sorted(names) if not exists(name)] == []


def test_a_name_that_does_not_exist_is_found():
    assert not exists("sock.spec.wrapper.has_callback")
