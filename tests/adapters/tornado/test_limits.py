"""Tornado as a host keeps everything, and says so."""

from __future__ import annotations

import pytest

pytest.importorskip("tornado")
from sock import Host
from sock.adapters import tornado as adapter
from tests.adapters.tornado.serving import serving

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


def test_an_application_sees_its_host(run_async, says_host, host_on):
    """[S0.3] [S0.8]"""

    async def act():
        async with serving((r"/.*", adapter.hosting(says_host))) as (_, port):
            assert await host_on(port) == adapter.HOST == Host("tornado")

    run_async(act())
