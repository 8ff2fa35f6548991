"""Topics: reach all connections that listen to one, whichever process holds them."""

from .gap import BackendDown as BackendDown
from .gap import Gap as Gap
from .payload import AsInfo as AsInfo
from .presence import Diff as Diff
from .presence import Meta as Meta
from .presence import Presence as Presence
from .presence import State as State
from .publish import publish as publish
from .pubsub import PubSub as PubSub

__all__ = ["AsInfo", "BackendDown", "Diff", "Gap", "Meta", "Presence", "PubSub", "State", "publish"]
