"""What holds on to a handler, and what lets it go."""

import weakref

from sock import Sock
from sock.engine.callbacks import Callbacks


class Handler(Sock):
    """Has every callback that is kept."""

    def handle_in(self, message):
        return message

    def handle_control(self, frame):
        return None

    def handle_info(self, info):
        return info

    def terminate(self, reason):
        return None


def test_callbacks_that_are_let_go_keep_no_handler_alive():
    handler = Handler(None)
    seen = weakref.ref(handler)
    callbacks = Callbacks(handler, None)
    del handler
    assert seen() is not None
    callbacks.release_handler()
    assert seen() is None
    assert (callbacks.on_text, callbacks.on_binary) == (None, None)
