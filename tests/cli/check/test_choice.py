import pytest

from sock.cli.check.choice import UnknownName, chosen
from sock.testing import contract
from sock.testing.wire import CASES

pytestmark = pytest.mark.one_form


def test_without_names_everything_is_chosen():
    assert chosen((), ()) == (CASES, contract.CASES)


@pytest.mark.parametrize("name", ["close", "8"])
def test_a_section_is_chosen_by_its_name_or_number(name):
    wire, statements = chosen((name,), ())
    assert {case.number.partition(".")[0] for case in wire} == {"8"}
    assert statements == ()


def test_statements_are_a_section():
    assert chosen(("statements",), ()) == ((), contract.CASES)


def test_a_case_is_chosen_by_its_number_and_a_statement_by_its_own():
    wire, statements = chosen((), ("4.26", "S7.5"))
    assert [case.number for case in wire] == ["4.26"]
    assert statements
    assert all("S7.5" in case.statements for case in statements)


@pytest.mark.parametrize(
    ("sections", "numbers", "hint"),
    [
        (("clos",), (), "Did you mean close"),
        ((), ("SS7.5",), "Did you mean S7.5"),
        ((), ("?",), "--list"),
    ],
)
def test_a_wrong_name_is_told_with_a_similar_one(sections, numbers, hint):
    with pytest.raises(UnknownName, match=hint):
        chosen(sections, numbers)
