"""The page about the wire of servers: what its cells and its lists say."""

from __future__ import annotations

import pytest

from hosts.bare import bare_servers, version_of
from hosts.host import HOSTS
from hosts.reported import KNOWN, REPORTED
from hosts.wire import Row, cell, page, problems
from sock.testing.wire import CASES, Outcome, Run, Target, Verdict

pytestmark = pytest.mark.one_form

BY_NUMBER = {case.number: case for case in CASES}
OWN = next(host for host in HOSTS if host.name == "sock")


def run_of(**verdicts):
    outcomes = [
        Outcome(BY_NUMBER[number.replace("_", ".")[1:]], verdict, "this", "that | <b>")
        for number, verdict in verdicts.items()
    ]
    return Run(Target("127.0.0.1", 1), 1, outcomes=outcomes)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({"n4_1": Verdict.HELD, "n4_2": Verdict.SKIPPED}, "✓"),
        ({"n4_1": Verdict.FELL, "n4_2": Verdict.FELL, "n4_3": Verdict.REMARK}, "✗2 ~1"),
        ({"n4_1": Verdict.HELD, "n4_2": Verdict.REMARK}, "~1"),
        ({"n4_1": Verdict.SKIPPED}, "–"),
        ({"n5_1": Verdict.FELL}, "–"),
    ],
)
def test_a_cell_counts_the_cases_of_its_section(verdicts, expected):
    assert cell(run_of(**verdicts), 4) == expected


def test_the_page_lists_what_fell():
    text = page([Row(OWN, bare=False, run=run_of(n4_26=Verdict.FELL, n4_1=Verdict.HELD))])
    assert "| sock 0.1.0 | 1 | 1 | 0 | 0 |" in text
    assert "- 4.26 An unmasked text frame fails the connection. RFC 6455 §5.1. Seen:" in text
    assert "that \\| \\<b>" in text


def test_a_server_where_nothing_fell_says_so():
    assert "Nothing." in page([Row(OWN, bare=False, run=run_of(n4_1=Verdict.HELD))])


def test_a_fall_that_was_reported_leads_to_the_issue():
    server, number, place = REPORTED[0]
    host = next(one for one in bare_servers() if server in one.name)
    text = page(
        [Row(host, bare=True, run=run_of(**{f"n{number.replace('.', '_')}": Verdict.FELL}))]
    )
    assert f"[{place}](https://github.com/" in text


def test_what_falls_in_a_native_host_is_a_problem_unless_it_is_known():
    run = run_of(n4_26=Verdict.FELL, n1_15=Verdict.FELL)
    native = next(host for host in HOSTS if host.name == "uvicorn, native")
    bridged = next(host for host in HOSTS if not host.native)
    (problem,) = problems([Row(native, bare=False, run=run), Row(bridged, bare=False, run=run)])
    assert "4.26" in problem
    assert problems([Row(OWN, bare=True, run=run)]) == []


def test_what_is_known_names_servers_and_cases_that_exist():
    names = {host.name for host in HOSTS}
    assert {host for host, _ in KNOWN} <= names
    assert {number for _, number in KNOWN} <= set(BY_NUMBER)
    assert {number for _, number, _ in REPORTED} <= set(BY_NUMBER)
    assert all(version_of(host)[0].isdigit() for host in bare_servers())
