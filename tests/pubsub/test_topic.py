"""What a topic is."""

import pytest

from sock.pubsub.topic import check_topic

pytestmark = pytest.mark.one_form


@pytest.mark.parametrize("topic", ["a", "room:7", "é" * 512, "a" * 1024, "*>. \n"])
def test_a_text_of_up_to_1024_bytes_is_a_topic(topic):
    check_topic(topic)


@pytest.mark.parametrize(
    ("topic", "error", "says"),
    [
        (7, TypeError, "a topic is a str, not 'int'"),
        (b"room", TypeError, "not 'bytes'"),
        ("", ValueError, "at least one character"),
        ("a" * 1025, ValueError, "at most 1024 bytes, not 1025"),
        ("é" * 513, ValueError, "not 1026"),
        ("\ud800", ValueError, "surrogates"),
    ],
)
def test_anything_else_is_refused_in_one_line(topic, error, says):
    with pytest.raises(error, match=says):
        check_topic(topic)
