"""When `sock run` runs a supervisor, and what it tells it."""

import sys

import pytest

pytestmark = pytest.mark.one_form


@pytest.fixture
def told(monkeypatch):
    """Take what the supervisor is told, in place of running it."""
    calls = []

    def supervise(settings, where):
        calls.append((settings, where))
        return 0

    monkeypatch.setattr("sock.server.supervisor.run.supervise", supervise)
    return calls


def test_without_workers_this_process_serves(invoke, served, told):
    invoke("run", "examples.chat:app")
    assert (len(served), told) == (1, [])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--worker-timeout", "5"), "--worker-timeout has no effect here: say --workers too."),
        (("--control", "here"), "--control has no effect here: say --workers too."),
        (
            ("--workers", "2", "--reload-include", "*.html"),
            "--reload-include has no effect here: say --reload too.",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(invoke, served, told, arguments, line):
    result = invoke("run", "examples.chat:app", *arguments)
    assert (result.output, result.exit_code) == (f"sock: {line}\n", 2)
    assert (served, told) == ([], [])


def test_with_workers_the_supervisor_is_told_and_nothing_is_imported(invoke, served, told):
    invoke(
        *("run", "examples.chat:app", "--workers", "3", "--worker-timeout", "5"),
        *("--max-worker-memory", "1GiB", "--max-worker-age", "3600", "--port", "0"),
    )
    [(settings, [where])] = told
    assert settings.workers == 3
    assert (settings.limits.timeout, settings.limits.memory) == (5.0, 2**30)
    assert settings.limits.age == 3600.0
    assert (where.host, where.port) == ("127.0.0.1", 0)
    assert served == []
    assert "examples.chat" not in sys.modules


def test_auto_is_the_cores_that_this_process_may_use(invoke, told, monkeypatch):
    monkeypatch.setattr("sock.server.supervisor.cores.available_cores", lambda: 7)
    invoke("run", "examples.chat:app", "--workers", "auto")
    [(settings, _)] = told
    assert settings.workers == 7


def test_a_debugger_may_block_the_loop_with_reload(folder, invoke, told):
    pytest.importorskip("watchfiles")
    invoke("run", "examples.chat:app", "--reload", "--reload-include", "*.html")
    [(settings, _)] = told
    assert settings.limits.timeout == 0
    assert settings.watched.folders == [folder.resolve()]
    assert settings.watched.patterns == ("*.html",)


def test_watchfiles_that_is_missing_is_one_line_with_its_extra(invoke, told, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = invoke("run", "examples.chat:app", "--reload")
    assert result.output == "sock: watchfiles is not installed: pip install 'sockpy[reload]'\n"
    assert (result.exit_code, told) == (1, [])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--workers", "0"], "--workers: it is a whole number, 1 or more, not '0'."),
        (["--workers", "many"], "--workers: it is a whole number, 1 or more, not 'many'."),
        (["--worker-timeout", "-1"], "--worker-timeout: it is 0 or more, and finite, not -1."),
        (
            ["--max-worker-memory", "1 zB"],
            (
                "--max-worker-memory: 'zB' is not a unit: the units are B, KiB, MiB, GiB, kB, MB"
                " and GB, as in 4MiB."
            ),
        ),
    ],
)
def test_a_wrong_value_is_one_line(invoke, told, arguments, line):
    result = invoke("run", "examples.chat:app", *arguments)
    assert (result.output, result.exit_code, told) == (f"sock: {line}\n", 2, [])
