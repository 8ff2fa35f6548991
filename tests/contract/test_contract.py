"""Our own server against the contract that any host must pass, on both reactors."""

import asyncio
import os
import sys

import pytest

import sock
from sock.testing import contract
from sock.testing.contract.__main__ import main


@pytest.mark.parametrize("case", contract.CASES, ids=str)
def test_our_server_does_what_every_host_must(case, reactor_kind, run_async):
    async def check():
        async with sock.serve(contract.app, port=0) as server:
            url = f"ws://127.0.0.1:{server.port}"
            await contract.check(url, case, drain=server.drain)
            await server.drain(0)

    run_async(check())


def test_every_rule_has_its_cases_and_so_have_handshake_codes_and_options():
    proved = {rule for case in contract.CASES for rule in case.rules}
    assert proved == {*range(1, 13), 14, 16, 17}


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


def test_the_command_prints_a_table_and_exits_with_1_on_failure(capsys):
    assert main(["ws://127.0.0.1:1", "-k", "handle_in/stop", "--limit", "detail"]) == 1
    table = capsys.readouterr().out
    assert "handle_in/stop_code " in table
    assert "skipped the host does not pass on all" in table
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
