"""A certificate authority for tests. It issues certificates for any names, good and bad ones."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest


class Authority:
    """An authority whose files are in one folder.

    Attributes:
        path: the certificate of the authority itself.
    """

    def __init__(self, folder: Path) -> None:
        import trustme

        self._folder = folder
        self._made = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self._key_type = trustme.KeyType.ECDSA
        self.path = folder / "authority.pem"
        self._made.cert_pem.write_to_path(str(self.path))

    def issue(
        self,
        name: str,
        *names: str,
        password: str | None = None,
        lasts: datetime.timedelta = datetime.timedelta(days=1),
    ) -> tuple[Path, Path]:
        """Return the files of a new certificate and of its key.

        Args:
            name: of the files; if there are no others, in the certificate too.
            names: in the certificate.
            password: of the key; None for one that is not encrypted.
            lasts: for how long the certificate is valid from now on; negative for an expired one.
        """
        from cryptography.hazmat.primitives import serialization

        now = datetime.datetime.now(datetime.UTC)
        issued = self._made.issue_cert(
            *(names or (name,)),
            common_name=name,
            not_before=now - datetime.timedelta(days=2),
            not_after=now + lasts,
            key_type=self._key_type,
        )
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        pem = issued.private_key_pem.bytes()
        if password is not None:
            loaded = serialization.load_pem_private_key(pem, None)
            pem = loaded.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password.encode()),
            )
        key.write_bytes(pem)
        return certificate, key

    def client(self, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority.

        Args:
            certificate: of the client, with its key.
        """
        context = ssl.create_default_context(cafile=str(self.path))
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    """Give an authority for all tests of a process."""
    pytest.importorskip("trustme")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def localhost(authority) -> tuple[Path, Path]:
    """Give a certificate for this machine, and its key."""
    return authority.issue("localhost", "localhost", "127.0.0.1")
