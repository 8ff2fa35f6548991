import pytest

from sock.cli.check.report import print_report, say

pytestmark = pytest.mark.one_form


def test_what_fell_is_told_with_what_was_expected_seen_and_why(findings, capsys):
    print_report(findings, seconds=2, seed=7)
    shown = capsys.readouterr().out
    fallen = shown.partition("What fell")[2]
    assert "4.2 It falls.  MUST, RFC 6455 §5.1" in fallen
    assert fallen.index("expected  expected this") < fallen.index("seen      seen that")
    assert "why       because" in fallen
    assert "a_case A case.  MUST, [S7.5] of the specification" in fallen
    assert "6 cases: 1 held, 2 fell, 2 to improve, 1 skipped  (2 s, seed 7)" in fallen


def test_equal_remarks_are_told_once_unless_all_are_asked_for(findings, capsys):
    print_report(findings)
    assert "4.3 and 1 more" in capsys.readouterr().out
    print_report(findings, verbose=True)
    shown = capsys.readouterr().out
    assert "~ 4.3" in shown
    assert "~ 4.4" in shown
    assert "10.1   Not here.  none" in shown


def test_each_section_has_its_counts(findings, capsys):
    print_report(findings)
    shown = capsys.readouterr().out
    line = next(line for line in shown.splitlines() if "4 Frames" in line)
    assert line.split("Frames")[1].strip() == "1 held, 1 fell, 2 to improve"


def test_growth_is_told(findings, watched, capsys):
    print_report(findings, watched=watched)
    shown = capsys.readouterr().out
    assert "20.0 MiB before, 99.0 at most, 90.0 after" in shown
    assert "10 before, 50 at most, 40 after" in shown
    assert "keeps 70 MiB more than before" in shown
    assert "keeps 30 more descriptors than before" in shown


@pytest.mark.parametrize(("variable", "colours"), [("", True), ("1", False)])
def test_no_color_takes_the_colours_away(monkeypatch, variable, colours):
    shown = {}
    monkeypatch.setenv("NO_COLOR", variable)
    monkeypatch.setattr("click.echo", lambda text, color: shown.update(color=color))
    say("text")
    assert (shown["color"] is None) is colours
