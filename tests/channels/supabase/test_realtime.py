"""The profile of Supabase, with the clients of Supabase."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

import sock
from tests.channels.clients.served import app
from tests.needed import needed, node_folder, python_clients

pytestmark = pytest.mark.one_form

CLIENTS = Path(__file__).parents[1] / "clients"


@pytest.fixture
def run_client(run_async):
    """Serve, run a client, and return what it has seen."""

    def run_client(command, path, *arguments, **variables):
        async def main():
            async with sock.serve(app, port=0) as server:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    server.url.replace("http", "ws") + path,
                    *arguments,
                    stdout=asyncio.subprocess.PIPE,
                    env={**os.environ, **variables},
                )
                output, _ = await process.communicate()
            assert process.returncode == 0
            return json.loads(output)

        return run_async(main())

    return run_client


@pytest.mark.parametrize("version", ["2.0.0", "1.0.0"])
def test_the_client_of_supabase_is_served(run_client, version):
    command = [needed("node"), CLIENTS / "supabase.cjs", node_folder()]
    seen = run_client(command, "/realtime/v1", version)
    # Bytes are for version 2 only; the first version has no binary frames.
    is_second = version == "2.0.0"
    pixels = [1, 255] if is_second else []
    of_bytes = [["ada", "bytes", [3]], ["bob", "bytes", [3]]] if is_second else []
    got = [one for one in seen if one[0] in {"ada", "bob"} and len(one) == 3]
    assert sorted(map(json.dumps, got)) == sorted(
        map(
            json.dumps,
            [
                ["bob", "move", {"x": 1}],
                ["ada", "pixels", pixels],
                ["bob", "pixels", pixels],
                ["ada", "rest", {"x": 2}],
                ["bob", "rest", {"x": 2}],
                *of_bytes,
                ["ada", "end", {}],
                ["bob", "end", {}],
            ],
        )
    )
    assert [one for one in seen if one not in got] == [
        ["SUBSCRIBED", None],
        ["SUBSCRIBED", None],
        "ok",
        "ok",
        ["bob", [1]],
        "ok",
        ["bob", []],
        ["CHANNEL_ERROR", "Unauthorized"],
        ["SUBSCRIBED", None],
        ["CHANNEL_ERROR", "changes of a database are not served here"],
        "error",
        "ok",
    ]


def test_the_client_in_python_is_served(run_client):
    command = [sys.executable, CLIENTS / "supabase_client.py"]
    seen = run_client(command, "/realtime/v1", PYTHONPATH=str(python_clients()))
    assert seen == [
        ["SUBSCRIBED", ""],
        ["SUBSCRIBED", ""],
        ["broadcast", "move", {"x": 1}],
        {"bob": [1]},
        ["CHANNEL_ERROR", '{"reason": "Unauthorized"}'],
    ]


def test_a_client_with_numbers_for_references_is_served(run_client):
    command = [sys.executable, CLIENTS / "phxsocket_client.py"]
    seen = run_client(command, "/socket/websocket", PYTHONPATH=str(python_clients()))
    assert seen == [
        ["join", {"token": None, "transport": "websocket", "name": "ada"}],
        ["echo", {"status": "ok", "response": {"n": 1}}],
        ["shout", {"text": "é"}],
    ]
