"""examples/tokens.py"""

from __future__ import annotations

import pytest

from examples import tokens
from sock import testing


@pytest.fixture
def session():
    with testing.open(tokens.app, "/tokens") as session:
        yield session


def test_words_stream_at_the_pace_of_the_model(session, capsys):
    session.receive("socks")
    assert session.pushed() == []
    session.advance(tokens.PAUSE * 3.5)
    assert session.pushed() == ["Once", "upon", "a"]


def test_the_client_may_interrupt_and_goes_on_with_another_prompt(session, capsys):
    session.receive("socks")
    session.advance(tokens.PAUSE * 1.5)
    session.receive("stop")
    session.advance(10)
    assert session.pushed() == ["Once", "(stopped)"]
    assert "no more words about socks" in capsys.readouterr().out
    session.receive("shoes")
    session.advance(tokens.PAUSE * 1.5)
    assert session.pushed() == ["Once"]


def test_closing_the_tab_cancels_the_words(session, capsys):
    session.receive("socks")
    session.advance(tokens.PAUSE * 1.5)
    session.lose()
    assert "no more words about socks" in capsys.readouterr().out


def test_the_page_streams_in_a_browser_and_stops(serve, browser):
    server = serve("examples.tokens:app")
    page = browser.new_page()
    page.goto(server.url)
    page.fill("#prompt", "browsers")
    page.click("text=Ask")
    page.wait_for_function("document.querySelector('#answer').textContent.includes('browsers')")
    page.click("#stop")
    page.wait_for_function("document.querySelector('#answer').textContent.includes('(stopped)')")
    page.close()
    assert server.stop() == 0
    assert "no more words about browsers" in server.output
