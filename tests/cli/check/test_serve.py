import pytest

from sock.cli.check import serve
from sock.cli.check.hosts import APP, FOLDER, started
from sock.testing import Client

pytestmark = pytest.mark.one_form

HOSTS = ("sock", "aiohttp", "tornado", "websockets")


@pytest.mark.parametrize("host", HOSTS)
def test_each_host_serves_an_application(run_async, folder, host):
    pytest.importorskip(host)

    async def talk(port):
        async with await Client.connect(f"ws://127.0.0.1:{port}/ws") as client:
            await client.send("hello")
            assert await client.receive() == "hello"

    with started(host, "alone:app", folder) as (port, _):
        run_async(talk(port))


def test_an_asgi_application_is_refused_with_advice(folder, monkeypatch):
    (folder / "alone.py").write_text("async def app(scope, receive, send): pass\n")
    monkeypatch.setenv(APP, "alone:app")
    monkeypatch.setenv(FOLDER, str(folder))
    with pytest.raises(SystemExit, match="--host uvicorn"):
        serve.main("aiohttp", 0)
