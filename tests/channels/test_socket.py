"""What a class of sockets declares."""

import pytest

from sock import Options
from sock.channels import Channel, Socket

pytestmark = pytest.mark.one_form


class Room(Channel): ...


class Other(Channel): ...


@pytest.mark.parametrize(
    ("topic", "kind"),
    [("room:1", Room), ("room:", Room), ("room", None), ("lobby", Other), ("lobby:1", None)],
)
def test_a_topic_has_the_class_whose_pattern_matches(topic, kind):
    class UserSocket(Socket):
        channels = {"room:*": Room, "lobby": Other}

    assert UserSocket.channel_for(topic) is kind


def test_a_star_in_the_middle_is_refused():
    with pytest.raises(ValueError, match="at its end only"):

        class Wrong(Socket):
            channels = {"room:*:x": Room}


@pytest.mark.parametrize(
    ("channels", "text"), [({"a": Socket}, "no class of channels"), ({7: Room}, "which is a str")]
)
def test_what_is_no_topic_or_no_channel_is_refused(channels, text):
    with pytest.raises(TypeError, match=text):
        type("Wrong", (Socket,), {"channels": channels})


def test_options_of_a_server_are_refused():
    with pytest.raises(ValueError, match="drain_timeout"):

        class Wrong(Socket):
            options = Options(drain_timeout=1)
