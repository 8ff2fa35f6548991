"""What a name means: one line for what is not there, with the nearest name that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("examples.chta:app", "no module named 'examples.chta'. Did you mean 'examples.chat'?"),
        ("exmples.chat:app", "no module named 'exmples.chat'. Did you mean 'examples.chat'?"),
        ("alnoe:app", "no module named 'alnoe'. Did you mean 'alone'?"),
        ("qqqqqq:app", "no module named 'qqqqqq'."),
        ("alone.inner:app", "no module named 'alone.inner'."),
        ("examples.chat:chat", "'examples.chat' has no 'chat'. Did you mean 'examples.chat:Chat'?"),
        (
            "examples.chat:mkae_app",
            "'examples.chat' has no 'mkae_app'. Did you mean 'examples.chat:make_app'?",
        ),
        (
            "examples.chat:server",
            "'examples.chat' has no 'server'. It has these applications: app, made, Chat.",
        ),
        (
            "examples.chat:app.x",
            "'examples.chat' has no 'app.x'. It has these applications: app, made, Chat.",
        ),
        ("examples.empty:app", "'examples.empty' has no 'app'. It has no applications."),
        (
            "examples.chat",
            (
                "'examples.chat' does not say which application. "
                "It has these applications: app, made, Chat."
            ),
        ),
        ("examples/chat.py:app", "'examples/chat.py' is a file. Did you mean 'examples.chat:app'?"),
        ("examples..chat:app", "'examples..chat' is not the name of a module. Say MODULE:APP."),
        (":app", "'' is not the name of a module. Say MODULE:APP."),
        (
            "examples.chat:LIMIT",
            (
                "'examples.chat:LIMIT' is not an application: "
                "it is of type int and cannot be called with a request."
            ),
        ),
        (
            "examples.chat:Room",
            (
                "'examples.chat:Room' is not an application: "
                "it is a class, but not a subclass of Sock."
            ),
        ),
        (
            "examples.chat:Desk",
            (
                "'examples.chat:Desk' is not an application: its constructor does not take one "
                "request and nothing else. Name a function that takes a request and returns "
                "Desk(…)."
            ),
        ),
        (
            "examples.chat:two",
            (
                "'examples.chat:two' is not an application: "
                "it does not take one request and nothing else."
            ),
        ),
        (
            "examples.chat:make_app",
            (
                "'examples.chat:make_app' is not an application: it takes no request. "
                "With --factory it is called, and returns the application."
            ),
        ),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_2(invoke, served, target, line):
    result = invoke("run", target)
    assert result.output == f"sock: {line}\n"
    assert result.exit_code == 2
    assert served == []


@pytest.mark.parametrize(
    ("target", "error", "line"),
    [
        (
            "examples.needs:app",
            "ModuleNotFoundError: No module named 'no_such_thing_at_all'",
            "'examples.needs' cannot be imported.",
        ),
        (
            "examples.raises:app",
            "RuntimeError: no database",
            "'examples.raises' cannot be imported.",
        ),
        (
            "examples.chat:make_error",
            "RuntimeError: no database",
            "'examples.chat:make_error' cannot make the application.",
        ),
    ],
)
def test_an_error_in_the_users_code_is_shown_with_its_traceback_alone(invoke, target, error, line):
    result = invoke("run", target, *(["--factory"] if "make" in target else []))
    lines = result.output.splitlines()
    assert lines[-1] == f"sock: {line}"
    assert lines[-2].startswith(error)
    assert "examples" in result.output
    assert "cli.py" not in result.output
    assert "importlib" not in result.output
    assert result.exit_code == 1


def test_a_syntax_error_is_one_line_with_its_place(invoke):
    result = invoke("run", "examples.wrong:app")
    assert re.fullmatch(
        r"sock: 'examples\.wrong' cannot be imported\."
        r" Mend examples/wrong\.py, line \d+: SyntaxError, .+\n",
        result.output,
    )
    assert result.exit_code == 1


def test_a_syntax_error_of_code_that_is_no_file_has_its_traceback(invoke):
    Path("examples/evaluates.py").write_text("x = 1\ncompile('def (', 'a template', 'exec')\n")
    result = invoke("run", "examples.evaluates:app")
    assert 'examples/evaluates.py", line 2' in result.output
    assert result.output.endswith("sock: 'examples.evaluates' cannot be imported.\n")
    assert result.exit_code == 1


def test_modules_are_looked_for_in_the_folder_that_is_named(invoke, served):
    assert invoke("run", "chat:Chat", "--app-dir", "examples").exit_code == 0
    [(app, _)] = served
    assert app.__name__ == "Chat"


def test_the_near_names_come_from_the_folder_that_is_named(invoke, served):
    result = invoke("run", "chta:Chat", env={"SOCK_APP_DIR": "examples"})
    assert result.output == "sock: no module named 'chta'. Did you mean 'chat'?\n"


OURS = """
import functools
import sock

class Open(sock.Sock):
    def __init__(self, *args):
        pass

made = functools.partial(Open)

def more(request, database=None, cache=None):
    return Open(request)

def rest(request, *more):
    return Open(request)
"""


@pytest.mark.parametrize("name", ["Open", "made", "more", "rest"])
def test_an_application_of_ours_that_could_take_three_arguments_is_still_ours(
    folder, invoke, served, name
):
    (folder / "examples" / "ours.py").write_text(OURS)
    assert invoke("run", f"examples.ours:{name}").exit_code == 0
    assert len(served) == 1


def test_an_application_object_is_offered_by_its_name(folder, invoke):
    (folder / "carried.py").write_text(
        "import sock\nfrom sock import Application\nserved = Application(sock.Sock)\n"
    )
    result = invoke("run", "carried")
    assert result.output == (
        "sock: 'carried' does not say which application. It has these applications: served.\n"
    )


COMPOSED = """
from sock import Routes, Sock, Wrapper, around, mount

class Echo(Sock):
    pass

class Log(Wrapper):
    pass

wrapped = around(Echo, Log)
routes = Routes({"/": wrapped})
mounted = mount("/chat", routes)
"""


@pytest.mark.parametrize("name", ["wrapped", "routes", "mounted"])
def test_an_application_that_is_made_of_others_is_one(folder, invoke, served, name):
    (folder / "composed.py").write_text(COMPOSED)
    assert invoke("run", f"composed:{name}").exit_code == 0
    assert len(served) == 1


def test_a_wrapper_is_no_application_and_is_not_offered(folder, invoke):
    (folder / "composed.py").write_text(COMPOSED)
    assert invoke("run", "composed:Log").output == (
        "sock: 'composed:Log' is not an application: it is a wrapper. Put it around an application:"
        " around(app, Log).\n"
    )
    assert invoke("run", "composed").output == (
        "sock: 'composed' does not say which application. It has these applications: wrapped,"
        " routes, mounted, Echo.\n"
    )
