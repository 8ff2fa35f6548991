"""examples/channels_chat.py, by the kit and in a real browser with phoenix.js."""

from __future__ import annotations

import pytest

from examples import channels_chat as chat
from sock import testing
from sock.testing import channels
from tests.needed import node_folder

pytestmark = pytest.mark.one_form


def here(client):
    client.heard()  # lets the program run
    return sorted(chat.presence.state("room:lobby"))


def test_guests_of_a_room_hear_each_other_and_see_who_is_here_and_who_is_typing():
    with (
        channels.connect(chat.app, params={"name": "ada"}) as ada,
        channels.connect(chat.app, params={"name": "bob"}) as bob,
    ):
        ada.join("room:lobby")
        bob.join("room:lobby")
        assert here(ada) == ["ada", "bob"]
        bob.push("room:lobby", "typing", {"now": True})
        ada.expect_broadcast("room:lobby", "typing", {"name": "bob", "now": True})
        ada.expect_reply(ada.push("room:lobby", "say", {"text": "hi"}), "ok")
        bob.expect_broadcast("room:lobby", "said", {"name": "ada", "text": "hi"})
        bob.leave("room:lobby")
        assert here(ada) == ["ada"]


def test_what_is_wrong_is_answered():
    with channels.connect(chat.app, params={"name": "ada"}) as ada:
        assert ada.join("room:" + "x" * 41) == ("error", {"reason": "no such room"})
        ada.join("room:lobby")
        ada.expect_reply(ada.push("room:lobby", "say", {"text": " "}), "error", {"reason": "empty"})
        told = ada.expect_reply(ada.push("room:lobby", "say", {"txt": ""}), "error")
        assert told.response["reason"] == "invalid payload"


@pytest.mark.parametrize("name", ["", "%20", "a" * 25])
def test_a_guest_without_a_name_is_refused(name):
    with testing.open(chat.app, f"/socket/websocket?vsn=2.0.0&name={name}") as session:
        assert session.response.status == 403


def enter(browser, url, name, script=""):
    page = browser.new_context().new_page()
    page.add_init_script(script)
    page.goto(url)
    page.fill("#name", name)
    page.click("text=Enter")
    page.wait_for_selector(f"#people li:text-is('{name}')")
    return page


def say(page, text):
    page.fill("#text", text)
    page.press("#text", "Enter")
    page.wait_for_selector(f"#log .mine:text-is('{text}')")


@pytest.mark.parametrize("reactor_kind", ["epoll"], indirect=True)
def test_two_windows_talk_change_rooms_and_come_back_after_a_restart(serve, browser):
    node_folder()
    server = serve("examples.channels_chat:app", 0, "--workers", "2")
    ada, bob = enter(browser, server.url, "ada"), enter(browser, server.url, "bob")
    ada.wait_for_selector("#people li:text-is('bob')")
    bob.type("#text", "hel")
    ada.wait_for_selector("#typing:text('bob typing')")
    say(bob, "hello")
    ada.wait_for_selector("#log li:text('hello') b:text('bob')")
    ada.wait_for_function("document.getElementById('typing').textContent === ''")
    bob.click("#rooms button:text('red')")
    ada.wait_for_selector("text=bob left")
    bob.click("#rooms button:text('lobby')")
    ada.wait_for_selector("text=bob joined")

    ada.evaluate("() => { window.codes = []; socket.onClose(event => codes.push(event.code)); }")
    bob.type("#text", "wait")
    ada.wait_for_selector("#typing:text('bob typing')")
    assert server.stop() == 0
    ada.wait_for_selector("#state:not([hidden])")
    assert ada.text_content("#typing") == ""
    assert ada.evaluate("() => window.codes[0]") == 1012
    serve("examples.channels_chat:app", server.port, "--workers", "2")
    for page in (ada, bob):
        page.wait_for_selector("#state", state="hidden", timeout=20_000)
        # The list of people may still be that of before the restart.
        page.wait_for_function("channel.state === 'joined'", timeout=20_000)
    ada.wait_for_function("document.querySelectorAll('#people li').length === 2", timeout=20_000)
    say(bob, "back again")
    ada.wait_for_selector("text=back again")


BLOCKED = """
window.WebSocket = class {
  constructor() { setTimeout(() => this.onerror(new Event("error"))); }
  close() {}
};
"""


@pytest.mark.parametrize("reactor_kind", ["epoll"], indirect=True)
def test_a_window_without_websockets_goes_on_over_long_poll(serve, browser):
    node_folder()
    server = serve("examples.channels_chat:app", 0)
    ada = enter(browser, server.url, "ada")
    eve = enter(browser, server.url, "eve", BLOCKED)
    assert eve.evaluate("() => Object.keys(sessionStorage)") == ["phx:fallback:LongPoll"]
    say(eve, "from afar")
    ada.wait_for_selector("#log li:text('from afar') b:text('eve')")
    say(ada, "welcome")
    eve.wait_for_selector("#log li:text('welcome') b:text('ada')")
    eve.close()
