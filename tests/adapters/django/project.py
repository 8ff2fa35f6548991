"""A Sock and a client for the tests of Django."""

from __future__ import annotations

import pytest
import websockets

from sock import Sock


class Who(Sock):
    def __init__(self, user, room):
        self.user, self.room = user, room

    async def handle_in(self, message):
        from django.contrib.auth.models import User

        return f"{self.user} in {self.room}, one of {await User.objects.acount()}"


class Stays(websockets.connect):
    """A client that is not sent elsewhere."""

    def process_redirect(self, exc):
        return exc


async def refused(url, **how):
    """Connect in vain; return the answer."""
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await Stays(url, **how)
    return refusal.value.response
