"""phoenix.js on two workers of the real command, which hear each other over Redis or `host:`."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.broker import redis_server
from tests.needed import needed, node_folder
from tests.server.supervisor.conftest import Served

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
CLIENT = Path(__file__).parent / "clients" / "over_workers.cjs"
APP = ["tests.channels.clients.over_workers:app", "--app-dir", str(ROOT), "--workers", "2"]


@pytest.mark.parametrize("backend", ["redis", "host"])
def test_phoenix_js_hears_and_sees_the_clients_of_another_worker(tmp_path, monkeypatch, backend):
    packages = node_folder()
    with contextlib.ExitStack() as stack:
        if backend == "redis":
            broker = stack.enter_context(redis_server().start())
            monkeypatch.setenv("SOCK_PUBSUB", broker.url)
        served = Served(tmp_path, *APP)
        stack.callback(served.process.wait, 30)
        stack.callback(served.process.terminate)
        node = subprocess.run(
            [needed("node"), CLIENT, packages, f"ws://127.0.0.1:{served.port}/socket"],
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
    assert node.returncode == 0, node.stderr + served.said
    assert json.loads(node.stdout) == {"workers": 2, "each heard each, in order": True}
