import pytest

import sock
from sock.cli.check import asgi, served
from sock.cli.check.hosts import APP, ECHO, FACTORY, FOLDER, SUITE
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


FACTORIES = """
import contextlib
import sock

class Chat(sock.Sock):
    options = sock.Options(max_message_size=77)

def make():
    return Chat

async def make_later():
    return Chat

@contextlib.asynccontextmanager
async def entered():
    yield Chat

def make_nothing():
    return 7
"""


@pytest.fixture
def factories(folder, monkeypatch):
    (folder / "alone.py").write_text(FACTORIES)
    monkeypatch.setenv(FACTORY, "1")


@pytest.mark.usefixtures("factories")
def test_a_factory_makes_the_application(names):
    assert names("alone:make").__name__ == "Chat"
    assert names(f"{ECHO} alone:make").options.max_message_size == 77
    assert names(SUITE) is contract.app


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize("factory", ["make_later", "entered"])
def test_a_factory_may_make_the_application_in_the_event_loop(names, run_async, factory):
    async def made(name):
        async with served.made_in_loop(names(name)) as app:
            return app

    assert run_async(made(f"alone:{factory}")).__name__ == "Chat"
    echo = run_async(made(f"{ECHO} alone:{factory}"))
    assert echo.options.max_message_size == 77


@pytest.mark.usefixtures("factories")
def test_an_asgi_server_cannot_wait_for_a_factory(names):
    names("alone:entered")
    with pytest.raises(SystemExit, match=r"'alone:entered' makes .* asynchronously.*--host sock"):
        served.served_as_asgi()


@pytest.mark.usefixtures("factories")
def test_a_factory_that_makes_no_application_is_told_of(names):
    with pytest.raises(SystemExit, match="'alone:make_nothing' makes no application: it is of"):
        names("alone:make_nothing")


def test_without_variables_there_is_no_application():
    assert asgi.app is None
