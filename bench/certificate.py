"""A certificate for the servers that speak TLS, made for one run."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from .peer import NotAvailable


@cache
def certificate() -> Path:
    """Return a file with a certificate for loopback, and with its key: ECDSA, on P-256.

    Raises:
        NotAvailable: trustme is not installed.
    """
    try:
        import trustme
    except ImportError:
        raise NotAvailable("trustme is not installed, which makes the certificate") from None
    folder = Path(tempfile.mkdtemp(prefix="sock-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "certificate.pem"
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path
