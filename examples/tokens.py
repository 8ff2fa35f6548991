"""An answer that streams word by word, as from a language model, and that its client may interrupt.

    sock run examples.tokens:app

Send a prompt, and its answer comes word by word. Send "stop", or another prompt, and the answer
ends. A closed tab needs no line of code: the generator is cancelled, and its `finally` runs.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from sock import Answer, Request, Response, Stream, TextSock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
PAUSE = 0.08  # seconds, about the pace of a model
STORY = """
Once upon a time somebody asked about {prompt}, and nobody knew. So they sat down and thought about
{prompt} until the candle had burnt low, and wrote a word, and then another, for that is how
everything about {prompt} has ever been written.
"""


async def words(prompt: str) -> AsyncIterator[str]:
    """Yield an answer, a word at a time."""
    try:
        for word in STORY.format(prompt=prompt).split():
            await asyncio.sleep(PAUSE)
            yield word
    finally:
        print(f"no more words about {prompt}", flush=True)  # noqa: T201 - shows that the generator ended


class Tokens(TextSock):
    """Answers each prompt with a stream, and handles messages meanwhile."""

    def __init__(self, request: Request) -> None:
        self.answer: Stream | None = None

    def handle_in(self, prompt: str) -> Stream | str:
        if self.answer is not None:
            self.answer.cancel()
        if prompt == "stop":
            return "(stopped)"
        self.answer = Stream(words(prompt))
        return self.answer


def app(request: Request) -> Answer:
    """Serve the page at /, the stream at /tokens."""
    if request.path == "/tokens":
        return Tokens(request)
    return Response(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
