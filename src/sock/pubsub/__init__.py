"""Topics: reach all connections that listen to one, whichever process holds them."""

from .gap import BackendDown as BackendDown
from .gap import Gap as Gap
from .pubsub import PubSub as PubSub

__all__ = ["BackendDown", "Gap", "PubSub"]
