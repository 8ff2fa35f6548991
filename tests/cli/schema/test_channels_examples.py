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


def test_the_schemas_of_the_examples_hold_and_clients_are_written_by_them(
    invoke, asyncapi_says, tsc_says
):
    pytest.importorskip("fastapi")

    def printed(target, *arguments):
        result = invoke("schema", target, "--app-dir", str(ROOT), *arguments)
        assert result.exit_code == 0, result.stderr
        return result.output

    chat, inside = "examples.channels_chat:app", "examples.fastapi_channels:endpoint"
    said = asyncapi_says(printed(chat))
    assert (said["wrong"], said["addresses"]) == ([], ["room:{rest}"])
    said = tsc_says(
        messages=printed(chat, "--typescript"),
        client=CLIENT,
        wrong=CLIENT.replace("text", "txt"),
        inside=printed(inside, "--typescript"),
        inside_client=CLIENT.replace("./messages.js", "./inside.js"),
    )
    assert said.startswith("wrong.ts(7,")
    assert "client.ts" not in said
    assert "inside" not in said
