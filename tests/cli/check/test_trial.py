import pytest

import sock
from sock.cli.check.choice import Choice, chosen
from sock.cli.check.finding import ECHO, STATEMENTS, WIRE
from sock.cli.check.hosts import NotStarted
from sock.cli.check.trial import NothingToTry, Trial
from sock.testing.wire import Target, Verdict

pytestmark = pytest.mark.one_form


class Echo(sock.Sock):
    def handle_in(self, message):
        return message


def test_a_url_is_tried(run_async):
    async def main():
        trial = Trial(chosen((), ("4.2", "4.26")))
        async with sock.serve(Echo) as server:
            await trial.try_url(Target("127.0.0.1", server.port), None)
        return trial

    trial = run_async(main())
    assert [(one.part, one.number) for one in trial.ordered()] == [(WIRE, "4.2"), (WIRE, "4.26")]
    assert not trial.fell


def test_a_server_that_is_not_there_cannot_be_tried(run_async):
    with pytest.raises(NothingToTry, match="answers no opening handshake"):
        run_async(Trial(chosen((), ("4.2",))).try_url(Target("127.0.0.1", 1), None))


SILENT = """
import sock
class Silent(sock.Sock):
    def handle_in(self, message):
        return None
"""


def test_an_application_that_is_no_echo_has_one_beside_it(run_async, folder):
    (folder / "alone.py").write_text(SILENT)
    told = []
    trial = Trial(chosen((), ("4.2", "4.26", "handle_in/text")), told=told.append)
    run_async(trial.try_app("alone:Silent", "sock", folder, "/"))
    parts = [(one.part, one.number, one.verdict) for one in trial.ordered()]
    assert parts == [
        (WIRE, "4.26", Verdict.HELD),
        (ECHO, "4.2", Verdict.HELD),
        (STATEMENTS, "handle_in/text", Verdict.HELD),
    ]
    assert len(told) == 3
    assert trial.watched.before.descriptors > 0


GREETS = """
import sock
class Greets(sock.Sock):
    def init(self, ref):
        return ["welcome", b"to this place"]
    def handle_in(self, message):
        return "something else"
"""


def test_an_application_that_pushes_by_itself_holds_what_needs_no_echo(run_async, folder):
    (folder / "alone.py").write_text(GREETS)
    numbers = ("4.26", "5.27", "6.24", "7.1", "7.7", "7.20", "8.1", "8.22", "8.46", "11.9")
    trial = Trial(chosen((), numbers))
    run_async(trial.try_app("alone:Greets", "sock", folder, "/"))
    parts = [(one.part, one.number, one.verdict) for one in trial.ordered()]
    assert parts == [(WIRE, number, Verdict.HELD) for number in numbers]


def test_a_path_that_takes_no_websockets_is_told(run_async, folder):
    trial = Trial(chosen((), ("4.2",)))
    with pytest.raises(NothingToTry, match="status"):
        run_async(trial.try_app("alone:app", "sock", folder, "/nowhere"))


def test_an_application_that_does_not_start_is_told(run_async, folder):
    with pytest.raises(NotStarted):
        run_async(Trial(chosen((), ("4.2",))).try_app("raises:app", "sock", folder, "/"))


def test_when_the_time_is_over_the_statements_are_left_out(run_async, folder):
    _, statements = chosen((), ("handle_in/text",))
    trial = Trial(Choice((), statements), within=0)
    run_async(trial.try_app("alone:Chat", "sock", folder, "/"))
    assert [one.verdict for one in trial.findings] == [Verdict.SKIPPED]
