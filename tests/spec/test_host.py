"""Who hosts the application, as the application sees it."""

import pickle
import re
from pathlib import Path

import pytest

from sock import Host, Request
from sock.spec.host import SPECIFICATION

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "specification.md"


def test_the_version_is_that_of_the_page():
    """[S0.7]"""
    assert re.findall(r"This is version (\S+) of the specification\.", PAGE.read_text()) == [
        SPECIFICATION
    ]
    assert Host("a server").specification == SPECIFICATION


def test_an_application_can_ask_what_its_host_declares():
    """[S0.8]"""
    request = Request(host=Host("a server", declared=["S5.1", "S5.1", "S12.3"]))
    assert request.host.name == "a server"
    assert request.host.declared == frozenset({"S5.1", "S12.3"})
    assert "S5.2" not in request.host.declared


def test_a_request_that_no_host_has_made_has_a_host_without_a_name():
    assert Request().host == Host("")
    assert Request().host.declared == frozenset()


def test_it_is_frozen_and_compared_by_content():
    host = Host("a server", declared={"S5.1"})
    assert host == Host("a server", declared=frozenset({"S5.1"}))
    assert host != Host("a server")
    assert hash(host) == hash(pickle.loads(pickle.dumps(host)))  # noqa: S301 - our own
    with pytest.raises(AttributeError):
        host.name = "another"


def test_it_can_be_matched():
    match Host("sock"):
        case Host("sock"):
            pass
        case _:
            pytest.fail("the name is the first argument")


@pytest.mark.parametrize("number", ["5.1", "S5", "S5.1 ", "s5.1", "S5.1 to S5.3", ""])
def test_a_number_has_one_form(number):
    with pytest.raises(ValueError, match=re.escape(repr(number))):
        Host("a server", declared=[number])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Host(None),
        lambda: Host("a server", specification=1.0),
        lambda: Host("a server", declared="S5.1"),
        lambda: Host("a server", declared=[5.1]),
        lambda: Host("a server", declared=None),
    ],
)
def test_an_argument_of_another_type_is_refused(make):
    with pytest.raises(TypeError):
        make()
