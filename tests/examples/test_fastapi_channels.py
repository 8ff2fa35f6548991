"""examples/fastapi_channels.py: the login of FastAPI, and clients of its socket."""

from __future__ import annotations

import base64
import json

import pytest

pytest.importorskip("fastapi")
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from examples import fastapi_channels as example

pytestmark = pytest.mark.one_form


def connect(client, token):
    encoded = base64.b64encode(token.encode()).decode().rstrip("=")
    return client.websocket_connect(
        "/socket/websocket?vsn=2.0.0", subprotocols=["phoenix", f"base64url.bearer.phx.{encoded}"]
    )


def test_who_has_logged_in_connects_hears_requests_and_is_ended_by_the_logout():
    with TestClient(example.app) as client:
        told = client.post("/login", json={"name": "ada", "password": "lovelace"})
        token = told.json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        with connect(client, token) as ada:
            assert ada.accepted_subprotocol == "phoenix"
            ada.send_text('["1","1","room:1","phx_join",{}]')
            assert json.loads(ada.receive_text())[-1]["status"] == "ok"
            assert client.post("/rooms/1", json={"text": "hi"}, headers=headers).status_code == 200
            assert json.loads(ada.receive_text())[3:] == ["said", {"name": "ada", "text": "hi"}]
            assert client.post("/logout", headers=headers).status_code == 200
            with pytest.raises(WebSocketDisconnect) as ended:
                ada.receive_text()
            assert ended.value.code == 1001


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_wrong_password_gives_no_token(password):
    with TestClient(example.app) as client:
        told = client.post("/login", json={"name": "nobody", "password": password})
        assert told.status_code in {401, 422}


def test_without_a_token_there_is_neither_a_socket_nor_a_broadcast():
    with TestClient(example.app) as client:
        with pytest.raises(WebSocketDenialResponse) as refused, connect(client, "forged"):
            pass
        assert refused.value.status_code == 401
        assert client.post("/rooms/1", json={"text": "hi"}).status_code == 401
