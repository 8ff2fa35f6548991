"""The figures of the README are those of the run that is kept, and nobody has edited them."""

from __future__ import annotations

import json

import pytest

from bench import picture, readme

pytestmark = pytest.mark.one_form

RESULTS = readme.ROOT / "bench" / "results"


def test_the_table_and_the_picture_of_the_readme_are_those_of_the_last_run():
    document = json.loads((RESULTS / "latest.json").read_text())
    _, _, rest = (readme.ROOT / "README.md").read_text().partition(readme.BEGIN)
    assert rest.partition(readme.END)[0].strip() == readme.block(document).strip()
    assert (RESULTS / "echo.svg").read_text() == picture.draw(document)
