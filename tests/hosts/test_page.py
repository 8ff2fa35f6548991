"""The columns of the page of hosts: how many statements of each section hold."""

import pytest

from hosts.host import HOSTS
from hosts.page import CHAPTERS, cell, statements_of
from hosts.run import Outcome
from sock.testing import contract

pytestmark = pytest.mark.one_form


@pytest.fixture
def outcome():
    return Outcome(HOSTS[0], passed=[case.name for case in contract.CASES])


def test_every_section_with_cases_has_a_title():
    assert {chapter for case in contract.CASES for chapter in case.chapters} <= set(CHAPTERS)
    assert CHAPTERS[7] == "An end is orderly"


def test_a_section_holds_if_all_its_cases_pass(outcome):
    assert cell(outcome, 7) == "✓"


def test_a_case_that_fails_is_seen_in_its_section(outcome):
    outcome.failed["a_stream_may_be_cancelled"] = "it went on"
    assert cell(outcome, 4) == "✗"
    assert cell(outcome, 7) == "✓"


def test_a_statement_does_not_hold_if_all_its_cases_were_left_out(outcome):
    count = len(statements_of(5))
    names = statements_of(5)["S5.4"]
    outcome.declared |= {name: ["control"] for name in names}
    assert cell(outcome, 5) == f"{count - 1}/{count}"


def test_a_statement_holds_as_far_as_its_cases_were_not_left_out(outcome):
    count = len(statements_of(5))
    outcome.declared["handle_control/text"] = ["control"]
    assert cell(outcome, 5) == f"{count}/{count}"
