"""The event loop of a process whose server has none."""

import asyncio

import pytest

from sock.hosting import background_loop

pytestmark = pytest.mark.one_form


def test_there_is_one_only_where_a_host_provides_it(monkeypatch):
    monkeypatch.setattr(background_loop, "_provided", None)
    assert background_loop.provided() is None
    loop = asyncio.new_event_loop()
    background_loop.provide(lambda: loop)
    assert background_loop.provided() is loop
    loop.close()
