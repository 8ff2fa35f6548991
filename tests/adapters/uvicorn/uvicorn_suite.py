"""A plugin of pytest's for uvicorn's own tests: our protocol in place of uvicorn's WebSockets.

    PYTHONPATH=tests/adapters/uvicorn pytest -p uvicorn_suite      # in uvicorn's sources

Without SOCK_SUITE=sock in the environment, uvicorn's own implementation of websockets is what is
tested. Only tests that have a WebSocket protocol as an argument are run.
"""

import os

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_FIXTURE = "ws_protocol_cls"


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc):
    """Take one protocol in place of those that uvicorn tries."""
    if _FIXTURE not in metafunc.fixturenames:
        return
    if os.environ.get("SOCK_SUITE") == "sock":
        from sock.adapters.uvicorn import SockProtocol

        protocol, name = SockProtocol, "sock"
        _let_protocols_be_replaced(metafunc.module)
    else:
        protocol, name = WebSocketsSansIOProtocol, "own"
    metafunc.definition.add_marker(pytest.mark.parametrize(_FIXTURE, [protocol], ids=[name]))


def pytest_collection_modifyitems(config, items):
    """Leave out what is not about WebSockets."""
    others = [item for item in items if _FIXTURE not in item.fixturenames]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _FIXTURE in item.fixturenames]


def _let_protocols_be_replaced(module):
    """Give the transport that some tests have made up what every transport has: its protocol."""
    transport = getattr(module, "MockWriteTransport", None)
    if transport is None or hasattr(transport, "get_protocol"):
        return
    transport.protocol = None
    transport.get_protocol = lambda self: self.protocol
    transport.set_protocol = lambda self, protocol: setattr(self, "protocol", protocol)

    def current(connection):
        made = connection.__dict__["_made"]
        there = connection.__dict__.get("_transport")
        return made if there is None or there.protocol is None else there.protocol

    def make(connection, protocol):
        connection.__dict__["_made"] = protocol

    module.MockWebSocketConnection._protocol = property(current, make)
