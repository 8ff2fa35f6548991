import pytest

from sock.testing.wire import CASES, SECTIONS, Level
from sock.testing.wire.case import NEEDS, Section

pytestmark = pytest.mark.one_form


async def nothing(probe):
    pass


def test_a_section_numbers_its_cases_in_order():
    section = Section(7, "name", "Title", "because")
    section.must("RFC 1 §1", "It does.")(nothing)
    section.should("RFC 1 §2", "It should.", "echo", why="otherwise")(nothing)
    one, two = section.cases
    assert (one.number, one.level, one.why) == ("7.1", Level.MUST, "because")
    assert (two.number, two.level, two.why) == ("7.2", Level.SHOULD, "otherwise")
    assert two.needs == {"echo"}


def test_there_are_more_than_two_hundred_cases_and_each_has_a_number_of_its_own():
    numbers = [case.number for case in CASES]
    assert len(numbers) == len(set(numbers)) > 400
    assert [section.number for section in SECTIONS] == list(range(1, len(SECTIONS) + 1))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_is_a_sentence_with_its_paragraph_and_its_reason(case):
    assert case.title[0].isupper() or case.title[0].isdigit()
    assert case.title.endswith(".")
    assert case.rfc.startswith(
        ("RFC 6455 §", "RFC 7692 §", "RFC 9110 §", "RFC 9112 §", "RFC 6454 §")
    )
    assert case.why.endswith(".")
    assert case.needs <= set(NEEDS)


def test_two_cases_of_a_section_have_two_titles():
    for section in SECTIONS:
        titles = [case.title for case in section.cases]
        assert len(titles) == len(set(titles))
