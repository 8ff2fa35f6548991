"""Our own server against the contract that any host must pass, on both reactors."""

import asyncio
import os
import re
import sys

import pytest

import sock
from sock import Response
from sock.testing import contract
from sock.testing.contract.__main__ import main


@pytest.mark.parametrize("case", contract.CASES, ids=str)
def test_our_server_does_what_every_host_must(case, reactor_kind, run_async):
    async def check():
        stopped, started = asyncio.Event(), asyncio.get_running_loop().create_future()

        async def serve():
            async with sock.serve(contract.app, port=0) as server:
                started.set_result(server)
                await stopped.wait()

        serving = asyncio.create_task(serve())
        server = await started

        async def stop(bound=contract.DRAIN_BOUND):
            await server.drain(bound)
            stopped.set()
            await serving  # the lifespan is left

        await contract.check(f"ws://127.0.0.1:{server.port}", case, drain=stop)
        await stop(0)

    run_async(check())


def test_a_case_knows_the_sections_of_its_statements():
    case = contract.Case("one", ("S16.1", "S7.5", "S7.1"), Response, None)
    assert case.chapters == (7, 16)


def test_a_case_is_required_if_one_of_its_statements_says_must():
    assert contract.Case("one", ("S9.4", "S7.5"), Response, None).required
    assert not contract.Case("one", ("S9.4",), Response, None).required


def test_every_case_has_a_name_of_its_own():
    names = [case.name for case in contract.CASES]
    assert len(set(names)) == len(names)


def test_the_matrix_is_complete():
    names = {case.name for case in contract.CASES}
    results = [
        "nothing",
        "text",
        "binary",
        "ping",
        "pong",
        "list",
        "stop",
        "stop_code",
        "stop_detail",
        "stop_messages",
        "raise",
        "raise_stop",
        "await",
        "generator",
        "stream",
    ]
    for callback in ("init", "handle_in", "handle_control", "handle_info"):
        assert {f"{callback}/{result}" for result in results} <= names


def test_every_need_is_a_limit_that_can_be_declared():
    assert {need for case in contract.CASES for need in case.needs} <= set(contract.LIMITS)


CASE = next(case for case in contract.CASES if case.name == "handle_control/ping")
DRAIN = next(case for case in contract.CASES if "drain" in case.needs)


def test_what_a_host_cannot_do_is_skipped_with_the_reason(run_async):
    with pytest.raises(contract.Skipped, match="neither sends nor sees pings"):
        run_async(contract.check("ws://127.0.0.1:1", CASE, limits=["control"]))


def test_without_a_way_to_drain_its_cases_are_skipped(run_async):
    with pytest.raises(contract.Skipped, match="is not told here how to stop"):
        run_async(contract.check("ws://127.0.0.1:1", DRAIN))


def test_a_limit_that_is_none_is_refused(run_async):
    with pytest.raises(ValueError, match="controls: not among control, "):
        run_async(contract.check("ws://127.0.0.1:1", CASE, limits=["controls"]))


def test_a_host_that_is_not_there_fails(run_async):
    with pytest.raises(contract.Failure, match="Connect"):
        run_async(contract.check("ws://127.0.0.1:1", CASE))


async def _fails(_):
    raise contract.Failure("not so")


RECOMMENDED = contract.Case("one", ("S9.4",), Response, _fails)


def test_a_should_that_a_host_leaves_out_is_advice_and_no_failure(run_async):
    with pytest.raises(contract.Advice, match="not so"):
        run_async(contract.check("ws://127.0.0.1:1", RECOMMENDED))


def collected(cases, **given):
    async def collect():
        return [verdict async for verdict in contract.check_all("ws://127.0.0.1:1", cases, **given)]

    return collect()


def test_cases_are_judged_side_by_side_each_by_itself(run_async):
    verdicts = run_async(collected([CASE, RECOMMENDED, DRAIN], limits=["control"]))
    assert {verdict.case: verdict.outcome for verdict in verdicts} == {
        CASE: contract.Outcome.SKIPPED,
        RECOMMENDED: contract.Outcome.ADVISED,
        DRAIN: contract.Outcome.SKIPPED,
    }


def test_a_case_that_fails_is_tried_once_more_if_that_is_asked_for(run_async):
    tries = []

    async def fails_at_first(talk):
        tries.append(talk)
        if len(tries) == 1:
            raise contract.Failure("the machine has stalled")

    stalls = contract.Case("stalls", ("S7.5",), Response, fails_at_first)
    wrong = contract.Case("wrong", ("S7.5",), Response, _fails)
    verdicts = run_async(collected([stalls, wrong], try_again=True))
    assert [(verdict.case.name, verdict.outcome) for verdict in verdicts] == [
        ("stalls", contract.Outcome.PASSED),
        ("wrong", contract.Outcome.FAILED),
    ]
    (verdict,) = run_async(collected([wrong]))
    assert verdict.outcome is contract.Outcome.FAILED


def test_cases_that_need_a_drain_wait_for_each_other_and_share_one(run_async):
    log = []

    async def drain():
        log.append("drain")

    def waiting(number):
        async def conversation(talk):
            await asyncio.sleep(number / 100)
            log.append(number)
            await (await talk.drain())

        return contract.Case(str(number), ("S7.8",), Response, conversation, frozenset({"drain"}))

    ends_early = contract.Case("early", ("S7.8",), Response, _fails, frozenset({"drain"}))
    cases = [waiting(2), ends_early, waiting(1)]
    verdicts = run_async(collected(cases, drain=drain))
    assert log == [1, 2, "drain"]
    assert [verdict.case.name for verdict in verdicts if verdict.text] == ["early"]


def test_the_command_prints_a_table_and_exits_with_1_on_failure(capsys):
    assert main(["ws://127.0.0.1:1", "-k", "handle_in/stop", "--limit", "detail"]) == 1
    table = capsys.readouterr().out
    assert "FAILED   handle_in/stop_code " in table
    assert "the host does not pass on all" in table
    assert table.endswith("failed, 2 skipped\n")


def test_a_host_in_another_process_is_checked_by_the_command(run_async):
    async def check():
        async with sock.serve(contract.app, port=0) as server:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "sock.testing.contract", f"ws://127.0.0.1:{server.port}"),
                *("-k", "handle_info/"),
                stdout=asyncio.subprocess.PIPE,
                env=dict(os.environ),
            )
            table, _ = await process.communicate()
            return process.returncode, table.decode()

    code, table = run_async(check())
    assert table.endswith("15 passed, 0 failed, 0 skipped\n")
    assert code == 0


HOST_OF_ITS_OWN = """
import sock
from sock.testing import contract

sock.run(contract.app, port=0)
"""


def test_the_command_drains_a_host_whose_process_it_is_told(run_async):
    async def check():
        host = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HOST_OF_ITS_OWN),
            stderr=asyncio.subprocess.PIPE,
            env=dict(os.environ),
        )
        try:
            log = ""
            while (found := re.search(r"127\.0\.0\.1:(\d+)", log)) is None:
                line = await asyncio.wait_for(host.stderr.readline(), 20)
                assert line, log
                log += line.decode()
            reading = asyncio.ensure_future(host.stderr.read())
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sock.testing.contract"),
                *(f"ws://127.0.0.1:{found[1]}", "-k", "a_drain_lets"),
                *("--drain-pid", str(host.pid)),
                stdout=asyncio.subprocess.PIPE,
                env=dict(os.environ),
            )
            table, _ = await process.communicate()
            stopped = await asyncio.wait_for(host.wait(), 20)
            await reading
        finally:
            if host.returncode is None:
                host.kill()
        return table.decode(), stopped

    table, stopped = run_async(check())
    assert table.endswith("4 passed, 0 failed, 0 skipped\n")
    assert stopped == 0


def test_the_command_skips_the_cases_of_a_drain_where_it_cannot_ask_for_one(capsys):
    assert main(["ws://127.0.0.1:1", "-k", "a_drain_lets"]) == 0
    assert capsys.readouterr().out.endswith("0 passed, 0 failed, 4 skipped\n")


@pytest.mark.parametrize("number", ["0", "-1", "one", "4194305"])
def test_the_command_sends_no_signal_to_what_is_no_process(capsys, number):
    with pytest.raises(SystemExit):
        main(["ws://127.0.0.1:1", f"--drain-pid={number}"])
    assert "process" in capsys.readouterr().err.splitlines()[-1]
