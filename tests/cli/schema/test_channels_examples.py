"""The schemas of the examples with channels hold before the tools of those who write clients."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.one_form

ROOT = Path(__file__).parents[3]
CLIENT = """
import { Socket } from "phoenix";
import type { RoomChannel } from "./messages.js";

const room = new Socket("/socket").channel("room:1", {}) as unknown as RoomChannel;
room.join().receive("error", ({ reason }) => reason);
room.push("say", { text: "hi" }).receive("ok", (response) => response);
"""


@pytest.mark.parametrize(
    ("target", "module"),
    [
        ("examples.channels_chat:app", "examples.channels_chat"),
        ("examples.fastapi_channels:endpoint", "fastapi"),
    ],
)
def test_the_schema_of_an_example_holds_and_a_client_is_written_by_it(
    invoke, asyncapi_says, tsc_says, target, module
):
    pytest.importorskip(module)

    def printed(*arguments):
        result = invoke("schema", target, "--app-dir", str(ROOT), *arguments)
        assert result.exit_code == 0, result.stderr
        return result.output

    said = asyncapi_says(printed())
    assert (said["wrong"], said["addresses"]) == ([], ["room:{rest}"])
    types = printed("--typescript")
    said = tsc_says(messages=types, client=CLIENT, wrong=CLIENT.replace("text", "txt"))
    assert said.startswith("wrong.ts(7,")
    assert "client.ts" not in said
