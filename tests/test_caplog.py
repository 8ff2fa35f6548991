"""The `caplog` of these tests: what asyncio tells of another test's tasks is not in it."""

import logging

import pytest


@pytest.mark.one_form
@pytest.mark.parametrize(("file", "count"), [(__file__, 1), ("/elsewhere/test_other.py", 0)])
def test_what_asyncio_tells_of_a_task_of_another_file_of_tests_is_left_out(caplog, file, count):
    try:
        exec(compile("raise LookupError", file, "exec"))  # noqa: S102 - as if it stood in that file
    except LookupError as error:
        behind_this_frame = error.with_traceback(error.__traceback__.tb_next)
        logging.getLogger("asyncio").error("never retrieved", exc_info=behind_this_frame)
    assert len(caplog.records) == count
