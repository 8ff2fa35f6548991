"""The profile of Supabase: a channel and a serializer for supabase-js, realtime-py and others."""

from .realtime import Realtime as Realtime
from .rest import Rest as Rest
from .serializer import SERIALIZERS as SERIALIZERS
from .serializer import binary_payload as binary_payload

__all__ = ["SERIALIZERS", "Realtime", "Rest", "binary_payload"]

for _one in (Realtime, Rest, binary_payload):
    _one.__module__ = "sock.channels.supabase"  # the name that users write
