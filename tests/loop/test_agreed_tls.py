"""What a handshake has agreed: one object for all connections that are alike."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest

from sock.loop.agreed_tls import ServerSideTLS, agreed
from tests.authority import authority as authority
from tests.authority import localhost as localhost

pytestmark = pytest.mark.one_form


@pytest.fixture
def handshake(localhost, authority):
    """Shake hands in memory, and return the server's side."""

    def handshake(name="localhost", *, certificate=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslobject_class = ServerSideTLS
        context.load_cert_chain(*localhost)

        def keep(tls, asked_for, _):
            tls.server_name = asked_for

        context.sni_callback = keep
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client_context = authority.client()
        if certificate is not None:
            client_context.load_cert_chain(*certificate)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=_pem(client_context))
        server = context.wrap_bio(to_server, to_client, server_side=True)
        client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
        for _ in range(4):
            for side in (client, server):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        return server

    return handshake


def _pem(context):
    return "".join(map(ssl.DER_cert_to_PEM_cert, context.get_ca_certs(binary_form=True)))


def test_version_cipher_and_name_are_told(handshake):
    server = handshake()
    info = agreed(server)
    assert (info.version, info.cipher) == (server.version(), server.cipher()[0])
    assert info.server_name == "localhost"
    assert info.certificate_der is None


def test_connections_that_are_alike_share_one_object(handshake):
    assert agreed(handshake()) is agreed(handshake())


def test_a_certificate_is_told_to_its_connection_only(handshake, localhost):
    info = agreed(handshake(certificate=localhost))
    assert info.certificate_der == ssl.PEM_cert_to_DER_cert(_first(localhost[0]))
    assert ("DNS", "localhost") in info.certificate["subjectAltName"]
    assert agreed(handshake()).certificate_der is None


def _first(path):
    end = "-----END CERTIFICATE-----\n"
    return Path(path).read_text().split(end)[0] + end
