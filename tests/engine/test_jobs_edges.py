"""What holds on to a host, and what lets it go."""

import weakref

from sock.engine import Jobs


class Worker:
    """A host that gets no jobs."""


def test_jobs_that_are_released_keep_no_host_alive():
    host = Worker()
    seen = weakref.ref(host)
    jobs = Jobs(host)
    del host
    assert seen() is not None
    jobs.release_host()
    assert seen() is None
    assert not jobs
