import pytest

from sock.testing import End
from sock.testing.wire import Fell, raw
from sock.testing.wire.connection import Answer
from sock.testing.wire.fell import Skipped
from sock.testing.wire.probe import Probe, parameters_of

from .conftest import Naive, frame_of, serving

pytestmark = pytest.mark.one_form


@pytest.fixture
def probing(run_async):
    """Run a conversation with a server; return what was remarked."""

    def probing(conversation, serve):
        async def main():
            async with serving(serve) as target, Probe(target, 1.5) as probe:
                await conversation(probe)
                return [(one.expected, one.seen) for one in probe.remarks]

        return run_async(main())

    return probing


async def sends(probe, data):
    connection = await probe.open()
    await connection.send(data)
    await probe.is_failed(connection, 1002)


class Closes(Naive):
    """Closes at the first frame, with a code."""

    code = 1002

    def answers(self, first, payload):
        return [frame_of(0x88, self.code.to_bytes(2, "big"))]


class Cuts(Naive):
    def answers(self, first, payload):
        raise ConnectionError


def test_a_connection_is_failed_by_a_close_and_the_end(probing):
    async def conversation(probe):
        await sends(probe, raw.frame(raw.CLOSE))

    assert probing(conversation, Closes()) == []


def test_another_code_is_a_remark(probing):
    async def conversation(probe):
        await sends(probe, raw.frame(raw.CLOSE))

    ((_, seen),) = probing(conversation, type("Other", (Closes,), {"code": 1008})())
    assert seen == "a Close with 1008"


def test_an_end_without_a_close_is_a_remark(probing):
    async def conversation(probe):
        await sends(probe, raw.frame(raw.TEXT))

    ((expected, seen),) = probing(conversation, Cuts())
    assert "§7.1.7" in expected
    assert seen.endswith("without a Close")


def test_a_connection_that_goes_on_falls(probing):
    async def conversation(probe):
        await sends(probe, raw.frame(raw.TEXT, b"other"))

    with pytest.raises(Fell, match="the connection stays open"):
        probing(conversation, Naive())


def test_a_message_that_was_taken_falls(probing):
    async def conversation(probe):
        await sends(probe, raw.frame(raw.TEXT, b"sock-check"))

    with pytest.raises(Fell, match="taken for a message: the text 'sock-check'"):
        probing(conversation, Naive())


def test_a_server_that_declines_compression_skips_the_case(probing):
    async def conversation(probe):
        await probe.open_compressed()

    with pytest.raises(Skipped, match="declines"):
        probing(conversation, Naive())


@pytest.mark.parametrize(
    ("answer", "statuses", "strict"),
    [(Answer(101, ()), (), False), (Answer(403, ()), (400,), True), (End.FIN, (400,), True)],
)
def test_a_refusal_that_is_none_falls(answer, statuses, strict):
    with pytest.raises(Fell, match="refused"):
        Probe(None, 1).is_refused(answer, *statuses, strict=strict)


def test_another_status_is_a_remark():
    probe = Probe(None, 1)
    probe.is_refused(Answer(400, ()))
    probe.is_refused(Answer(501, ()))
    assert probe.remarks == []
    probe.is_refused(Answer(500, ()))
    assert len(probe.remarks) == 1


@pytest.mark.parametrize(
    "extension",
    [
        "x-other",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; a; a",
    ],
)
def test_an_answer_that_rfc_7692_does_not_know_falls(extension):
    with pytest.raises(Fell):
        parameters_of(extension)
