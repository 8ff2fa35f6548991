"""What the options say about proxies."""

from __future__ import annotations

import pytest

from sock.cli.proxies import proxies_for_our_server, proxies_for_uvicorn

pytestmark = pytest.mark.one_form


def test_our_server_is_told_all_and_has_its_own_default(invoke, served):
    given = ["--root-path", "/chat", "--forwarded-allow-ips", "10.0.0.0/8", "--proxy-protocol"]
    assert invoke("run", "examples.chat:app", *given).exit_code == 0
    assert invoke("run", "examples.chat:app").exit_code == 0
    told = [{name: arguments.get(name) for name in NAMES} for _, arguments in served]
    assert told == [
        {"root_path": "/chat", "forwarded_allow_ips": "10.0.0.0/8", "proxy_protocol": True},
        {"root_path": "", "forwarded_allow_ips": None, "proxy_protocol": False},
    ]


NAMES = ("root_path", "forwarded_allow_ips", "proxy_protocol")


def test_what_is_taken_is_gone_from_the_other_settings():
    settings = {"root_path": "/a", "forwarded_allow_ips": None, "proxy_protocol": False, "x": 1}
    kept = dict(settings)
    assert proxies_for_our_server(kept) == {"root_path": "/a", "proxy_protocol": False}
    assert kept == {"x": 1}
    kept = dict(settings)
    told = {"root_path": "/a", "forwarded_allow_ips": None}
    assert proxies_for_uvicorn("a:app", {}, kept) == told
    assert kept == {"x": 1}


def test_uvicorn_does_not_speak_the_proxy_protocol(capsys):
    settings = {"root_path": "", "forwarded_allow_ips": None, "proxy_protocol": True}
    with pytest.raises(SystemExit) as ended:
        proxies_for_uvicorn("a:app", {"proxy_protocol": "--proxy-protocol"}, settings)
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "sock: --proxy-protocol: 'a:app' is an ASGI application, which uvicorn runs, and uvicorn"
        " does not speak the PROXY protocol.\n"
    )
