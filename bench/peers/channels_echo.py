"""Django Channels on uvicorn: its own consumer and `group_send`, over Redis: PORT.

The layer is the one over PUBLISH, the faster of the two that channels_redis has.
"""

from __future__ import annotations

import os

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from on_uvicorn import serve

settings.configure(
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["BENCH_REDIS"]]},
        }
    },
    SECRET_KEY="of no use here",  # noqa: S106 - Django wants one
)
django.setup()


class Room(AsyncWebsocketConsumer):
    """Sends every message to its group, and every message of its group to its peer."""

    groups = ("room",)

    async def receive(self, text_data: str | None = None, bytes_data: object = None) -> None:  # noqa: ARG002 - Channels gives it
        """Send one message to all."""
        await self.channel_layer.group_send("room", {"type": "pass.on", "text": text_data})

    async def pass_on(self, event: dict[str, str]) -> None:
        """Pass one message on to the peer."""
        await self.send(text_data=event["text"])


serve(ProtocolTypeRouter({"websocket": Room.as_asgi()}))
