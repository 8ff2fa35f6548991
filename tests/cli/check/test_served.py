import pytest

import sock
from sock.cli.check import asgi, served
from sock.cli.check.hosts import APP, ECHO, FOLDER, SUITE
from sock.cli.find import is_asgi
from sock.testing import contract

pytestmark = pytest.mark.one_form


@pytest.fixture
def names(folder, monkeypatch):
    """Say what the process is to serve."""

    def names(app):
        monkeypatch.setenv(APP, app)
        monkeypatch.setenv(FOLDER, str(folder))
        return served.served()

    return names


def test_an_application_is_found(names):
    assert names("alone:app").__name__ == "app"


def test_the_suite_is_the_application_of_the_contract(names):
    assert names(SUITE) is contract.app


def test_an_echo_has_the_options_that_the_application_carries(names, folder):
    (folder / "alone.py").write_text(
        "import sock\nclass Chat(sock.Sock):\n    options = sock.Options(max_message_size=77)\n"
    )
    echo = names(f"{ECHO} alone:Chat")
    assert echo.options.max_message_size == 77
    with sock.testing.open(echo) as session:
        session.receive("hello")
        assert session.pushed() == ["hello"]


def test_a_sock_becomes_an_asgi_application(names):
    names("alone:Chat")
    assert is_asgi(served.served_as_asgi())


def test_an_asgi_application_stays_what_it_is(names, folder):
    (folder / "alone.py").write_text("async def app(scope, receive, send): pass\n")
    app = names("alone:app")
    assert served.served_as_asgi() is app


def test_without_variables_there_is_no_application():
    assert asgi.app is None
