"""`--require-backend`: what the topics of an application need must be there."""

from __future__ import annotations

import os
import sys

from .failure import CANNOT_START, fail


def check_backends() -> None:
    """Fail where the backend of a PubSub that the application has made is not reached.

    A PubSub that is made later looks when it is first used.
    """
    os.environ["SOCK_REQUIRE_BACKEND"] = "1"
    if "sock.pubsub" not in sys.modules:  # so there is no PubSub
        return
    from sock.pubsub import BackendDown
    from sock.pubsub.publish import check_backend
    from sock.pubsub.pubsub import MADE

    for url in sorted({one.url for one in MADE}):
        try:
            check_backend(url)
        except BackendDown as error:
            why = str(error).rstrip(".")
            fail(f"{why}. Without --require-backend it is connected when it comes.", CANNOT_START)
