import json
from xml.etree import ElementTree as ET

import pytest

from sock.cli.check.files import as_json, as_junit

pytestmark = pytest.mark.one_form


def test_json_has_every_case_and_the_counts(findings, watched):
    told = json.loads(as_json("ws://here/", findings, watched=watched, seconds=2.5, seed=7))
    assert (told["target"], told["seed"], told["seconds"]) == ("ws://here/", 7, 2.5)
    assert told["counts"]["fell"] == 2
    assert told["counts"]["not run"] == 0
    assert told["cases"][1]["id"] == "4.2"
    assert told["cases"][1]["expected"] == "expected this"
    assert told["process"]["growth"]


def test_without_a_process_there_is_none(findings):
    assert "process" not in json.loads(as_json("ws://here/", findings))


def test_junit_has_a_suite_for_each_section(findings):
    root = ET.fromstring(as_junit("ws://here/", findings, seconds=2))  # noqa: S314 - our own
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["wire: 4 Frames", "wire: 10 Compression", "statements: S7"]
    frames = suites["wire: 4 Frames"]
    assert (frames.get("tests"), frames.get("failures"), frames.get("skipped")) == ("4", "1", "0")
    assert suites["wire: 10 Compression"].get("skipped") == "1"


def test_junit_fails_for_what_fell_and_notes_what_is_recommended(findings):
    root = ET.fromstring(as_junit("ws://here/", findings))  # noqa: S314 - our own
    cases = {case.get("name").split()[0]: case for case in root.iter("testcase")}
    assert "expected this" in cases["4.2"].find("failure").text
    assert "\x1b" not in cases["4.2"].find("failure").text
    assert cases["4.3"].find("failure") is None
    assert "seen that" in cases["4.3"].find("system-out").text
    assert cases["10.1"].find("skipped").get("message") == "none"
    assert list(cases["4.1"]) == []
