"""A warning for settings of uvicorn that no Sock follows."""

from __future__ import annotations

import logging

import pytest
import websockets

import sock

pytest.importorskip("uvicorn")
from tests.adapters.uvicorn.applications import Echo


def test_settings_of_uvicorns_own_websockets_are_told_once_to_reach_no_sock(
    run_async, uvicorn_serving, caplog
):
    async def act():
        settings = {"ws_max_size": 10, "ws_ping_interval": 5.0, "ws_per_message_deflate": False}
        async with uvicorn_serving(sock.asgi(Echo), lifespan="off", **settings) as host:
            with caplog.at_level(logging.WARNING, "uvicorn.error"):
                for _ in range(2):
                    async with websockets.connect(f"ws://127.0.0.1:{host.port}/") as client:
                        await client.send("longer than that")
                        assert await client.recv() == "longer than that"

    run_async(act())
    wanted = {
        "ws-max-size": "max_message_size",
        "ws-ping-interval": "ping_interval",
        "ws-per-message-deflate": "compression",
    }
    assert [record.getMessage() for record in caplog.records] == [
        f"uvicorn's --{setting} is for its own WebSockets; a Sock has Options({option}=...)"
        for setting, option in wanted.items()
    ]
