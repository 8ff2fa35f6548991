"""The results in files: JSON for programs, and JUnit's XML for continuous integration."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from sock.testing.wire import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .finding import Finding
    from .watch import Watched


def as_json(
    target: str,
    findings: Sequence[Finding],
    *,
    watched: Watched | None = None,
    seconds: float = 0.0,
    seed: int = 1,
) -> str:
    """Return the results as one JSON object.

    Args:
        target: the URL, or MODULE:APP and the host.
        findings: in the order of their numbers.
        watched: what the process of the server has used.
        seconds: how long it took.
        seed: of the mutated bytes.
    """
    counts = Counter(one.verdict for one in findings)
    result: dict[str, Any] = {
        "target": target,
        "seed": seed,
        "seconds": round(seconds, 3),
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "cases": [
            {
                "part": one.part,
                "section": one.section.strip(),
                "id": one.number,
                "title": one.title,
                "level": one.level,
                "cites": one.cites,
                "verdict": one.verdict.value,
                "expected": one.expected,
                "seen": one.seen,
                "why": one.why,
                "seconds": round(one.seconds, 3),
            }
            for one in findings
        ],
    }
    if watched is not None:
        result["process"] = {
            "before": _sample(watched.before),
            "peak": _sample(watched.peak),
            "after": _sample(watched.after),
            "growth": watched.growth,
        }
    return json.dumps(result, indent=2, ensure_ascii=False)


def as_junit(target: str, findings: Sequence[Finding], *, seconds: float = 0.0) -> str:
    """Return the results as JUnit's XML: a suite for each section.

    What is only recommended passes, with a note in `system-out`.

    Args:
        target: the URL, or MODULE:APP and the host.
        findings: in the order of their numbers.
        seconds: how long it took.
    """
    root = ET.Element("testsuites", name=f"sock check {target}", time=f"{seconds:.3f}")
    suites: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        suites.setdefault((one.part, one.section.strip()), []).append(one)
    for (part, section), some in suites.items():
        counts = Counter(one.verdict for one in some)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=f"{part}: {section}",
            tests=str(len(some)),
            failures=str(counts[Verdict.FELL]),
            skipped=str(counts[Verdict.SKIPPED] + counts[Verdict.NOT_RUN]),
            time=f"{sum(one.seconds for one in some):.3f}",
        )
        for one in some:
            _add(suite, one)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(suite: ET.Element, one: Finding) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{one.part}.{one.section.strip()}",
        name=f"{one.number} {one.title}",
        time=f"{one.seconds:.3f}",
    )
    text = _plain(
        f"expected {one.expected}\nseen     {one.seen}\n{one.level}, {one.cites}\n{one.why}"
    )
    match one.verdict:
        case Verdict.FELL:
            failure = ET.SubElement(case, "failure", message=_plain(one.seen))
            failure.text = text
        case Verdict.REMARK:
            ET.SubElement(case, "system-out").text = text
        case Verdict.SKIPPED | Verdict.NOT_RUN:
            ET.SubElement(case, "skipped", message=_plain(one.seen))
        case _:
            pass


def _plain(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot have."""
    return "".join(letter if letter >= " " or letter in "\n\t" else "\ufffd" for letter in text)


def _sample(sample: Any) -> dict[str, float]:
    return {
        "memory": sample.memory,
        "descriptors": sample.descriptors,
        "cpu": round(sample.cpu, 2),
    }
