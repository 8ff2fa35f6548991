"""`core/` is laid out as `src/sock` is, and what its modules cimport follows the same arrows."""

import re
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
SOURCE = ROOT / "src" / "sock"
FILES = sorted(CORE.rglob("*.p*"))
CIMPORT = re.compile(
    r"^\s*(?:from\s+sock\.(\w+)[\w.]*\s+cimport|cimport\s+sock\.(\w+))", re.MULTILINE
)


def layers():
    """Return the rooms in the order of import-linter's contract, the highest ones first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (arrows,) = (one for one in contracts["contracts"] if one["type"] == "layers")
    return [set(re.findall(r"\w+", layer)) for layer in arrows["layers"]]


def against_the_arrows(room, text):
    """Return the rooms that a module of `room` cimports, and must not."""
    rooms = layers()
    (own,) = (number for number, layer in enumerate(rooms) if room in layer)
    below = {room}.union(*rooms[own + 1 :])
    return {first or second for first, second in CIMPORT.findall(text)} - below


def room_of(path):
    return path.relative_to(CORE).parts[0].removesuffix(path.suffix)


def name_of(path):
    return str(path.relative_to(CORE))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_cimports_its_own_room_and_those_below_it_only(path):
    assert against_the_arrows(room_of(path), path.read_text()) == set()


@pytest.mark.parametrize(
    ("room", "line", "found"),
    [
        ("live", "from sock.loop.raw_pipe cimport RawPipe", set()),
        ("loop", "from sock.loop.scope cimport Scoped", set()),
        ("loop", "from sock.live.lane cimport Lane", {"live"}),
        ("loop", "cimport sock.wire.parser", {"wire"}),
        ("wire", "from sock.engine.lifecycle cimport (\n    Lifecycle,\n)", {"engine"}),
        ("spec", "from sock.server.head cimport Head as CHead", {"server"}),
    ],
)
def test_a_cimport_against_the_arrows_is_found(room, line, found):
    assert against_the_arrows(room, f"cimport cython\n{line}\n") == found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_stands_in_the_room_of_the_module_whose_compiled_form_it_is(path):
    # `raw_NAME` has what module NAME does in memory of C, and no pure form.
    name = path.stem.removeprefix("raw_")
    assert (SOURCE / path.relative_to(CORE).with_name(f"{name}.py")).is_file()


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.h")), ids=name_of)
def test_a_header_stands_in_a_room_that_includes_it(path):
    users = [one for one in FILES if f'"{path.name}"' in one.read_text()]
    assert room_of(path) in {room_of(one) for one in users}
