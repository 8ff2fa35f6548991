"""The names of the contract are there, under the names that users write."""

import ast
import doctest
import importlib
import inspect
import traceback
from pathlib import Path

import pytest

import sock
from sock import spec

pytestmark = pytest.mark.one_form

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sock"
# What the contract names, in the order of its chapters, and the errors and limits beside it.
CONTRACT = [
    *("Message", "Result", "Returned", "Reason", "Answer", "App"),
    *("Sock", "TextSock", "BinarySock", "Ref", "Timer", "Request"),
    *("Stop", "Stream", "Upgrade", "Response", "Refuse", "Text", "Ping", "Pong", "Prepared"),
    *("Normal", "Remote", "Shutdown", "TimedOut", "Failed"),
    *("Application", "CloseCode", "Host", "Options", "Compression"),
    *("SockError", "ProtocolError", "InvalidData", "MessageTooBig", "HandshakeError"),
    *("HandlerError", "MailboxFull", "PeerTooSlow"),
]
CLASSES = [name for name in spec.__all__ if isinstance(getattr(spec, name), type)]
SPEC = sorted(path for path in (SOURCE / "spec").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", CONTRACT)
def test_a_name_of_the_contract_can_be_imported_from_sock(name):
    assert getattr(sock, name) is getattr(spec, name)
    assert name in sock.__all__


def test_sock_exports_the_specification_and_what_runs_it():
    assert set(sock.__all__) == {
        *spec.__all__,
        *("JsonSock", "TLS", "asgi", "run", "send_all", "serve"),
    }


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_known_by_the_name_that_users_write(name):
    assert getattr(sock, name).__module__ == "sock"
    assert getattr(sock, name).__qualname__ == name


def test_a_traceback_says_sock():
    assert traceback.format_exception_only(sock.MailboxFull("1025")) == ["sock.MailboxFull: 1025\n"]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_what_it_is(name):
    assert getattr(sock, name).__doc__


def test_every_example_of_the_specification_is_run_by_doctest():
    # Classes that say sock.Stop are found in `sock`, and no longer in the module they are written
    # in: `pytest --doctest-modules src/sock/spec` alone would run next to none.
    finder = doctest.DocTestFinder()
    modules = ["sock", *(f"sock.spec.{path.stem}" for path in SPEC)]
    found = {
        inspect.cleandoc(test.docstring)
        for one in modules
        for test in finder.find(importlib.import_module(one))
    }
    written = set()
    for path in SPEC:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                docstring = ast.get_docstring(node) or ""
                written |= {docstring} if ">>> " in docstring else set()
    assert len(written) > 20
    assert {text.strip().splitlines()[0] for text in written - found} == set()
