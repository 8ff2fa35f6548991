"""One job, and what a host finds in it."""

from sock import Stream
from sock.engine import Job, Role


async def items():
    yield "a"


def test_a_job_has_what_it_was_made_of_and_nobody_has_cancelled_it_or_begun_it():
    iterator = items()
    stream = Stream(iterator)
    job = Job(Role.STREAM, "handle_in", iterator=iterator, stream=stream)
    assert (job.role, job.place) == (Role.STREAM, "handle_in")
    assert job.awaitable is None
    assert job.iterator is iterator
    assert job.stream is stream
    assert job.handle is None
    assert not job.cancelled
