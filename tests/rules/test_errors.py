"""An error about the peer names the section that it broke: a grep lands on code, test, message."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sock"
PEERS_FAULT = {
    "HandshakeError",
    "InvalidData",
    "MessageTooBig",
    "ProtocolError",
    "UnsupportedData",
}
SECTION = re.compile(r"RFC \d{4} §\d")
WIRE = sorted((SOURCE / "wire").rglob("*.py"))


def constants(modules):
    """Return the texts that modules of the room give names to."""
    texts = {}
    for module in modules:
        for node in ast.parse(module.read_text()).body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(name)], value=value)
                    | ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value)
                ):
                    texts[name] = text(value, {})
    return texts


def text(node, named):
    """Return all text in an expression, with that of the names in it."""
    parts = []
    for one in ast.walk(node):
        match one:
            case ast.Constant(value=str(part)):
                parts.append(part)
            case ast.Name(id=name):
                parts.append(named.get(name, ""))
    return " ".join(parts)


def made(module):
    """Return where a module makes errors about the peer."""
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in PEERS_FAULT:
                yield node
            case ast.Raise(exc=ast.Name(id=name)) if name in PEERS_FAULT:
                yield node.exc


@pytest.mark.parametrize("module", WIRE, ids=lambda path: path.name)
def test_an_error_about_the_peer_names_the_section_it_broke(module):
    named = constants(WIRE)
    silent = [node.lineno for node in made(module) if not SECTION.search(text(node, named))]
    assert silent == []


def test_the_wire_makes_such_errors():
    assert sum(1 for module in WIRE for _ in made(module)) > 20
