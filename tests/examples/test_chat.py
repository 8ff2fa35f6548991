"""examples/chat.py, by the kit and in a real browser."""

from __future__ import annotations

import pytest

from examples import chat
from sock import testing
from sock.typed import Codec

CODEC = Codec(chat.Said | chat.Here)


def told(session):
    """Return what a guest was told."""
    return [CODEC.decode(message) for message in session.pushed()]


def test_members_of_a_room_hear_each_other_and_nobody_else():
    with (
        testing.open(chat.app, "/rooms/red?name=ada") as ada,
        testing.open(chat.app, "/rooms/red?name=bob") as bob,
        testing.open(chat.app, "/rooms/blue?name=eve") as eve,
    ):
        for session in (ada, bob, eve):
            session.pushed()
        bob.receive('"hello"', '" "')
        assert told(ada) == told(bob) == [chat.Said("bob", "hello")]
        assert told(eve) == []


def test_who_is_here_is_told_when_somebody_joins_and_leaves():
    with testing.open(chat.app, "/rooms/red?name=ada") as ada:
        assert told(ada) == [chat.Here(["ada"], [], [])]
        with testing.open(chat.app, "/rooms/red?name=bob") as bob:
            assert told(bob) == [chat.Here(["ada", "bob"], [], [])]
            assert told(ada) == [chat.Here(["ada", "bob"], ["bob"], [])]
            with testing.open(chat.app, "/rooms/red?name=bob"):
                assert told(ada) == []  # a second window of his
        assert told(ada) == [chat.Here(["ada"], [], ["bob"])]
    assert chat.presence.list("red") == {}


@pytest.mark.parametrize("name", ["", "%20", "a" * 25])
def test_a_guest_without_a_name_is_refused_before_the_upgrade(name):
    with testing.open(chat.app, f"/rooms/red?name={name}") as session:
        assert session.response.status == 400
    assert chat.rooms.subscribers("red") == ()


def test_the_page_and_the_health_check_are_ordinary_answers():
    assert chat.app(testing.request("/health")).body == "ok"
    assert "<!doctype html>" in chat.app(testing.request("/")).body
    assert chat.app(testing.request("/nowhere")).status == 404


def enter(browser, url, name):
    page = browser.new_context().new_page()
    page.goto(url)
    page.fill("#name", name)
    page.click("text=Enter")
    page.wait_for_selector("#people li")
    return page


def say(page, text):
    page.fill("#text", text)
    page.press("#text", "Enter")


def test_two_windows_see_each_other_and_come_back_after_a_restart(serve, browser):
    server = serve("examples.chat:app", 0, "--workers", "2")
    ada = enter(browser, server.url, "ada")
    bob = enter(browser, server.url, "bob")
    say(ada, "hello from ada")
    bob.wait_for_selector("text=hello from ada")
    say(bob, "hello from bob")
    ada.wait_for_selector("text=hello from bob")
    assert ada.inner_text("#count") == "2 here"

    # 1012 to each, and the pages come back by themselves.
    codes = ada.evaluate_handle(
        "() => { window.codes = []; socket.addEventListener('close', e => codes.push(e.code)); }"
    )
    assert server.stop() == 0
    ada.wait_for_selector("#state:not([hidden])")
    assert ada.evaluate("() => window.codes") == [1012]
    codes.dispose()
    serve("examples.chat:app", server.port, "--workers", "2")
    for page in (ada, bob):
        page.wait_for_selector("#state", state="hidden", timeout=20_000)
    ada.wait_for_function("document.querySelectorAll('#people li').length === 2", timeout=20_000)
    say(bob, "back again")
    ada.wait_for_selector("text=back again")
    bob.close()
    ada.wait_for_selector("text=bob left")
    ada.close()
