"""The fixtures of `tests/live_connection.py`: a live connection on each reactor and event loop."""

from tests.live_connection import loop_factory as loop_factory
from tests.live_connection import native as native
from tests.live_connection import open_link as open_link
from tests.live_connection import pair as pair
from tests.live_connection import peers as peers
from tests.live_connection import reactor as reactor
from tests.live_connection import run as run
