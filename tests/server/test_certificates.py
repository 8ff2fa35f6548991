"""How certificates are read, refused and chosen; test_server_tls.py connects with them."""

from __future__ import annotations

import datetime
import os
import shutil
import ssl
import tempfile
from pathlib import Path

import pytest

from sock.server import TLS, TLSError
from sock.server.certificates import Certificates
from tests.authority import authority as authority
from tests.authority import localhost as localhost


def shown(certificates, client, name):
    """Return the first name in the certificate that a client gets who asks for a name."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client.check_hostname = False
    asking = client.wrap_bio(to_client, to_server, server_hostname=name)
    answering = certificates.new_tls(to_server, to_client)
    done = set()
    while len(done) < 2:
        for end in (asking, answering):
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                pass
    assert getattr(answering, "server_name", None) == name
    return asking.getpeercert()["subjectAltName"][0][1]


def problem_of(*args, **settings):
    with pytest.raises(TLSError) as raised:
        Certificates(TLS(*args, **settings))
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_a_certificate_is_chosen_by_the_names_in_it(authority):
    pairs = [
        authority.issue("one.example", "one.example", "both.example"),
        authority.issue("two.example", "two.example", "both.example", "*.wild.example"),
    ]
    certificates = Certificates(TLS([one for one, _ in pairs], [key for _, key in pairs]))
    for asked, expected in {
        "one.example": "one.example",
        "two.example": "two.example",
        "TWO.Example": "two.example",
        "both.example": "one.example",
        "a.wild.example": "two.example",
        "a.b.wild.example": "one.example",
        "unknown.example": "one.example",
        None: "one.example",
    }.items():
        assert shown(certificates, authority.client(), asked) == expected, asked


def test_a_key_may_be_in_the_file_of_its_certificate(authority, tmp_path):
    certificate, key = authority.issue("joined.example")
    joined = tmp_path / "joined.pem"
    joined.write_bytes(key.read_bytes() + certificate.read_bytes())
    assert (
        shown(Certificates(TLS(joined)), authority.client(), "joined.example") == "joined.example"
    )


@pytest.mark.parametrize("password", ["secret", b"secret", lambda: "secret"])
def test_a_password_opens_an_encrypted_key(authority, password):
    pair = authority.issue("locked.example", password="secret")
    assert Certificates(TLS(*pair, key_password=password))


def test_a_password_is_not_shown(authority):
    assert "secret" not in repr(TLS("a.pem", "a.key", key_password="secret"))


def test_only_tls_1_2_and_1_3_are_spoken_and_alpn_says_http_1_1(authority, localhost):
    made = Certificates(TLS(*localhost)).new_tls(ssl.MemoryBIO(), ssl.MemoryBIO())
    context = made.context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    assert not context.options & ssl.OP_NO_TICKET


def test_a_context_of_the_programs_own_is_used_as_it_is(authority, localhost):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*localhost)
    certificates = Certificates(context)
    assert shown(certificates, authority.client(), "localhost") == "localhost"
    certificates.reload()  # nothing is read again
    assert shown(certificates, authority.client(), "localhost") == "localhost"


def test_a_reload_reads_the_files_again_and_a_failed_one_changes_nothing(authority, tmp_path):
    certificate, key = tmp_path / "chain.pem", tmp_path / "chain.key"
    for name in ("before.example", "after.example"):
        new_certificate, new_key = authority.issue(name)
        certificate.write_bytes(new_certificate.read_bytes())
        key.write_bytes(new_key.read_bytes())
        if name == "before.example":
            certificates = Certificates(TLS(certificate, key))
        else:
            certificates.reload()
        assert shown(certificates, authority.client(), name) == name
    key.write_bytes(b"")
    with pytest.raises(TLSError, match="has no key in PEM"):
        certificates.reload()
    assert shown(certificates, authority.client(), "after.example") == "after.example"


# What cannot be used: one line that says why.


def test_a_key_of_another_certificate_is_refused(authority, localhost):
    other = authority.issue("other.example")
    assert problem_of(localhost[0], other[1]) == (
        f"the key {str(other[1])!r} is not the key of the certificate {str(localhost[0])!r}"
    )


def test_a_wrong_password_and_none_are_told_apart(authority):
    pair = authority.issue("locked.example", password="secret")
    assert problem_of(*pair, key_password="wrong") == (
        f"the password of the key {str(pair[1])!r} is wrong"
    )
    assert problem_of(*pair) == (
        f"the key {str(pair[1])!r} is encrypted, and needs a password:"
        " key_password, or --key-password"
    )


def test_files_that_are_not_there_or_have_nothing_in_them_are_named(authority, localhost, tmp_path):
    certificate, key = localhost
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.write_bytes(b"")
    assert problem_of(missing, key) == f"{str(missing)!r} cannot be read: there is no such file"
    assert problem_of(certificate, missing) == (
        f"{str(missing)!r} cannot be read: there is no such file"
    )
    assert problem_of(tmp_path) == f"{str(tmp_path)!r} cannot be read: it is a folder"
    assert problem_of(empty, key) == f"{str(empty)!r} has no certificate in PEM"
    assert problem_of(certificate, empty) == f"{str(empty)!r} has no key in PEM"
    assert problem_of(certificate) == (
        f"{str(certificate)!r} has no key in PEM; if it is in another file, name that file too"
    )
    assert problem_of(*localhost, client_ca=empty) == (
        f"{str(empty)!r} has no certificate of an authority in PEM"
    )


@pytest.mark.one_form
def test_a_key_that_this_user_may_not_read_is_named(localhost):
    root = os.geteuid() == 0
    # Not in pytest's folder, which only its own user may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate, key = (Path(shutil.copy(path, folder)) for path in localhost)
        folder.chmod(0o755)
        certificate.chmod(0o644)
        key.chmod(0)
        try:
            if root:  # who may read everything
                os.seteuid(65534)
            problem = problem_of(certificate, key)
        finally:
            if root:
                os.seteuid(0)
    assert problem == f"{str(key)!r} cannot be read: this user may not read it"


def test_an_expired_certificate_is_refused(authority):
    pair = authority.issue("old.example", lasts=-datetime.timedelta(days=1))
    assert problem_of(*pair).startswith(f"the certificate {str(pair[0])!r} has expired on ")
    assert problem_of(*pair).endswith(" GMT: renew it")


def test_settings_that_contradict_each_other_are_refused(localhost):
    assert problem_of(*localhost, ciphers="NONE-SUCH") == (
        "no cipher of OpenSSL is 'NONE-SUCH': `openssl ciphers` lists them"
    )
    assert problem_of(["a.pem", "b.pem"], "a.key").startswith("2 certificates and 1 keys: ")
    assert problem_of([]) == "TLS needs a certificate"
    assert "required or optional, not 'sometimes'" in problem_of(
        *localhost, client_certificate="sometimes"
    )
    with pytest.raises(TLSError, match="is for a client"):
        Certificates(ssl.create_default_context())
