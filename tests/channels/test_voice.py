"""What a lane says is proven by what clients hear, in test_lifecycle.py; here is what is left."""

import pytest

from sock.channels.message import Message
from sock.channels.voice import Voice

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize(
    ("join_ref", "belongs"), [("1", True), (None, True), ("2", False), (1, False)]
)
def test_a_message_belongs_to_the_last_join_if_it_names_that_or_none(join_ref, belongs):
    voice = Voice(None, "room:1")
    voice.join_ref = "1"
    assert voice.is_of_this_join(Message(join_ref, "9", "room:1", "e", b"")) is belongs


def test_outside_of_an_event_there_is_nothing_to_defer():
    with pytest.raises(RuntimeError, match="while it does"):
        Voice(None, "room:1").defer()
