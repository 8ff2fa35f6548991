"""What is left to Tornado as a host is seen by an application."""

from __future__ import annotations

import pytest

pytest.importorskip("tornado")
from sock.adapters import tornado as adapter
from tests.adapters.tornado.serving import serving

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*There is no current event loop:DeprecationWarning"
)


def test_an_application_sees_its_host(run_async, says_host, host_on):
    """[S0.3] [S0.8]"""

    async def act():
        async with serving((r"/.*", adapter.hosting(says_host))) as (_, port):
            host = await host_on(port)
            assert host == adapter.HOST
            assert host.name == "tornado"
            assert not {"S5.3", "S7.8", "S11.1"} & host.declared

    run_async(act())
