"""The options of TLS: what they become, and what is told in one line."""

from __future__ import annotations

import re
import signal
import socket
import ssl

import pytest

import sock
from sock.cli.tls import tls_of_uvicorn
from tests.authority import authority as authority
from tests.authority import localhost as localhost

pytestmark = pytest.mark.one_form


def given(certificate, *more):
    return ("--certificate", str(certificate[0]), "--key", str(certificate[1]), *more)


def test_certificates_reach_our_server_in_their_order(invoke, served, authority, localhost):
    other = authority.issue("other.example")
    more = ("--client-ca", str(authority.path), "--client-certificate", "optional")
    result = invoke("run", "examples.chat:app", *given(localhost), *given(other), *more)
    assert result.exit_code == 0, result.output
    [(_, told)] = served
    tls = told["tls"]
    assert list(tls.pairs()) == [localhost, other]
    assert (tls.client_ca, tls.client_certificate) == (authority.path, "optional")


@pytest.mark.parametrize("kind", ["file", "env", "itself"])
def test_a_password_comes_from_a_file_a_variable_or_the_option(
    invoke, served, authority, tmp_path, monkeypatch, kind
):
    pair = authority.issue("locked.example", password="secret")
    monkeypatch.setenv("OF_THE_KEY", "secret")
    (tmp_path / "password").write_text("secret\n")
    text = {"file": f"file:{tmp_path / 'password'}", "env": "env:OF_THE_KEY", "itself": "secret"}
    result = invoke("run", "examples.chat:app", *given(pair, "--key-password", text[kind]))
    assert result.exit_code == 0, result.output
    assert served[0][1]["tls"].key_password() == "secret"


def test_what_cannot_be_used_is_one_line(invoke, served, authority, localhost, tmp_path):
    locked = authority.issue("locked.example", password="secret")
    for arguments, expected, code in (
        (given((localhost[0], locked[1])), "needs a password: key_password, or --key-password.", 1),
        (given(locked, "--key-password", "wrong"), "is wrong.", 1),
        (given(locked, "--key-password", f"file:{tmp_path}/none"), "No such file or directory.", 1),
        (given(locked, "--key-password", "env:NONE_SUCH"), "there is no variable 'NONE_SUCH'.", 1),
        (given(localhost, "--key", str(locked[1])), "in the files of their certificates.", 2),
        (given(localhost, "--ciphers", "NONE"), "`openssl ciphers` lists them.", 1),
        (("--client-ca", str(authority.path)), "say --certificate too.", 2),
    ):
        result = invoke("run", "examples.chat:app", *arguments)
        assert result.output.startswith("sock: ")
        assert result.output.endswith(f"{expected}\n")
        assert result.output.count("\n") == 1
        assert "secret" not in result.output
        assert (result.exit_code, served) == (code, [])


def test_uvicorn_gets_the_same_in_its_own_words(authority, localhost):
    tls = sock.TLS(*localhost, key_password=lambda: "secret", client_ca=authority.path)
    assert tls_of_uvicorn(tls, "chat:app") == {
        "ssl_certfile": str(localhost[0]),
        "ssl_keyfile": str(localhost[1]),
        "ssl_keyfile_password": "secret",
        "ssl_ca_certs": str(authority.path),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }
    assert tls_of_uvicorn(None, "chat:app") == {}


def test_uvicorn_has_one_certificate(capsys, localhost):
    tls = sock.TLS([localhost[0]] * 2, [localhost[1]] * 2)
    with pytest.raises(SystemExit) as ended:
        tls_of_uvicorn(tls, "chat:app")
    assert ended.value.code == 2
    assert "several certificates are for Sock's own server; 'chat:app' is run by uvicorn" in (
        capsys.readouterr().err
    )


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
def test_sighup_reads_the_certificates_again_under_a_live_connection(command, authority, tmp_path):
    certificate, key = tmp_path / "chain.pem", tmp_path / "chain.key"

    def put(name):
        made = authority.issue(name, "localhost")
        certificate.write_bytes(made[0].read_bytes())
        key.write_bytes(made[1].read_bytes())

    def connected(port):
        tcp = socket.create_connection(("127.0.0.1", port), 20)
        client = authority.client().wrap_socket(tcp, server_hostname="localhost")
        subject = client.getpeercert()["subject"]
        return client, dict(one[0] for one in subject)["commonName"]

    put("before")
    process = command(
        *("run", "examples.chat:app", "--port", "0"),
        *("--certificate", str(certificate), "--key", str(key)),
    )
    line = process.stderr.readline()
    port = int(re.search(r"https://127\.0\.0\.1:(\d+)", line)[1])
    old, name = connected(port)
    with old:
        assert name == "before"
        put("after")
        process.send_signal(signal.SIGHUP)
        assert "read again: 1 certificate" in process.stderr.readline()
        new, name = connected(port)
        new.close()
        assert name == "after"
        key.write_bytes(b"")
        process.send_signal(signal.SIGHUP)
        assert "the certificates stay as they are: " in process.stderr.readline()
        new, name = connected(port)
        new.close()
        assert name == "after"
        old.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert old.recv(12) == b"HTTP/1.1 200"
    process.terminate()
    assert process.wait(20) == 0
