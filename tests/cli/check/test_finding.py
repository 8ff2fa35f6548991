import pytest

from sock.cli.check.finding import ECHO, of_statements, of_wire
from sock.testing import contract
from sock.testing.wire import CASES, Outcome, Verdict

pytestmark = pytest.mark.one_form

CASE = next(case for case in CASES if case.number == "4.26")


def test_a_case_of_the_wire_keeps_its_words():
    found = of_wire(Outcome(CASE, Verdict.FELL, "this", "that", 1.5), ECHO)
    assert (found.number, found.section, found.level) == ("4.26", " 4 Frames", "MUST")
    assert (found.expected, found.seen, found.seconds) == ("this", "that", 1.5)
    assert found.part == ECHO
    assert "proxy" in found.why


def test_a_must_that_held_with_a_remark_is_told_as_a_should():
    assert of_wire(Outcome(CASE, Verdict.REMARK), ECHO).level == "SHOULD"


def test_a_case_of_the_statements_names_them():
    case = next(case for case in contract.CASES if "/" not in case.name)
    found = of_statements(contract.Verdict(case, contract.Outcome.FAILED, "it ended"))
    assert found.verdict is Verdict.FELL
    assert found.seen == "it ended"
    assert found.cites == " ".join(f"[{number}]" for number in case.statements)
    assert found.title.endswith(".")


def test_every_outcome_of_the_contract_has_its_verdict():
    case = contract.CASES[0]
    kinds = {of_statements(contract.Verdict(case, one, "")).verdict for one in contract.Outcome}
    assert kinds == {Verdict.HELD, Verdict.FELL, Verdict.REMARK, Verdict.SKIPPED}
