"""The suite covers the specification: no MUST is without a case or a reason for having none."""

import pytest

from sock.testing import contract
from sock.testing.contract.statements import is_required
from tests.contract.mutants.mutant import Mutant, NotApplicable, mutants, unbreakable
from tests.contract.mutants.page import LEVELS, PAGE, levels, page

PROVEN = {number for case in contract.CASES for number in case.statements}
REQUIRED = {number for number in contract.LEVELS if is_required(number)}


def test_the_table_of_statements_says_what_the_specification_says():
    assert LEVELS.read_text() == levels(), "make suite"


def test_every_must_has_a_case_or_a_reason_why_no_case_can_see_it():
    assert REQUIRED - PROVEN - set(contract.UNSEEN) == set()


def test_no_statement_has_both_a_case_and_a_reason_for_having_none():
    assert PROVEN & set(contract.UNSEEN) == set()


def test_every_reason_is_for_a_must():
    assert set(contract.UNSEEN) <= REQUIRED


def test_every_case_cites_statements_that_exist_and_each_once():
    for case in contract.CASES:
        assert case.statements, case
        assert len(set(case.statements)) == len(case.statements), case
        assert set(case.statements) <= set(contract.LEVELS), case


def test_every_must_that_has_a_case_has_a_mutant_or_a_reason():
    broken = {mutant.statement for mutant in mutants()} | set(unbreakable())
    assert REQUIRED & PROVEN - broken == set()


def test_every_mutant_breaks_a_statement_that_has_a_case():
    assert {mutant.statement for mutant in mutants()} | set(unbreakable()) <= PROVEN


@pytest.mark.parametrize("mutant", mutants(), ids=str)
def test_a_mutant_applies_to_the_source_as_it_is(mutant):
    compile(mutant.applied(), mutant.file, "exec")


def test_a_mutant_whose_text_is_gone_fails_by_name():
    mutant = Mutant("S7.5", "native.py", "is for this test", "no such text", "")
    with pytest.raises(NotApplicable, match=r"S7\.5: it is for this test: its text is 0 times"):
        mutant.applied()


def test_the_page_of_the_suite_is_up_to_date():
    assert PAGE.read_text() == page(), "make suite"
