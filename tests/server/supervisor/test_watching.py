"""Which edits count."""

import asyncio
from pathlib import Path

import pytest

from sock.server.supervisor.watching import Watched, changes

pytestmark = pytest.mark.one_form
APP = Path("/app")


@pytest.mark.parametrize(
    ("path", "patterns", "counts"),
    [
        ("/app/chat.py", (), True),
        ("/app/deep/down/chat.py", (), True),
        ("/app/page.html", (), False),
        ("/app/page.html", ("*.html",), True),
        ("/app/pages/a.txt", ("pages/*",), True),
        ("/app/other/a.txt", ("pages/*",), False),
        ("/app/__pycache__/chat.py", (), False),
        ("/app/.venv/lib/site-packages/x.py", (), False),
        ("/elsewhere/chat.py", (), False),
    ],
)
def test_a_file_counts_or_not(path, patterns, counts):
    assert Watched([APP], patterns).counts(Path(path)) is counts


def test_an_edit_is_told(tmp_path, run_async):
    pytest.importorskip("watchfiles")
    file = tmp_path / "chat.py"
    file.write_text("1")

    async def act():
        found = changes(Watched([tmp_path.resolve()]))
        told = asyncio.ensure_future(anext(found))
        number = 1
        while not told.done():  # the watch may not have begun yet
            number += 1
            file.write_text(str(number))
            await asyncio.wait({told}, timeout=0.2)
        assert [Path(path).name for path in await told] == ["chat.py"]
        await found.aclose()

    run_async(act())
