"""The jobs of a connection: begun, cancelled, forgotten."""

from sock import Stream
from sock.engine import Job, Jobs, Role


class Worker:
    """A host that does nothing with its jobs."""

    def __init__(self):
        self.started = []
        self.cancelled = []

    def start(self, job):
        self.started.append(job)

    def cancel(self, job):
        self.cancelled.append(job)


async def items():
    yield "a"


class Promise:
    def __await__(self):
        yield


def test_a_job_is_watched_from_its_start_until_it_is_reported():
    jobs = Jobs(Worker())
    job = Job(Role.CALLBACK, "init", awaitable=Promise())
    assert not jobs
    jobs.start(job)
    assert jobs
    assert jobs.running() == (job,)
    jobs.discard(job)
    jobs.discard(job)
    assert not jobs
    assert jobs.running() == ()


def test_a_job_that_is_reported_within_its_start_leaves_nothing():
    worker = Worker()
    jobs = Jobs(worker)
    worker.start = jobs.discard
    jobs.start(Job(Role.CALLBACK, "init", awaitable=Promise()))
    assert not jobs


def test_each_job_is_cancelled_once():
    worker = Worker()
    jobs = Jobs(worker)
    job = Job(Role.TASK, "spawn")
    jobs.add(job)
    jobs.cancel(jobs.running())
    jobs.cancel(jobs.running())
    assert worker.cancelled == [job]
    assert job.cancelled


def test_a_promise_is_an_awaitable_or_an_iterator():
    worker = Worker()
    jobs = Jobs(worker)
    awaitable, iterator = Promise(), items()
    assert jobs.start_result(awaitable, "init", deliverable=True)
    assert jobs.start_result(iterator, "init", deliverable=True)
    assert not jobs.start_result("text", "init", deliverable=True)
    first, second = worker.started
    assert first.awaitable is awaitable
    assert second.iterator is iterator
    assert not second.cancelled
    assert {first.role, second.role} == {Role.CALLBACK}


def test_what_only_the_peer_wanted_is_begun_cancelled_when_it_has_gone():
    """Rule 7: an iterator is then closed, a coroutine may finish."""
    worker = Worker()
    jobs = Jobs(worker)
    jobs.start_result(Promise(), "init", deliverable=False)
    jobs.start_result(items(), "init", deliverable=False)
    jobs.start_stream(Stream(items()), "init", deliverable=False)
    assert [job.cancelled for job in worker.started] == [False, True, True]


def test_streams_and_iterators_are_cancelled_apart_from_the_rest():
    """Rule 7."""
    worker = Worker()
    jobs = Jobs(worker)
    jobs.start_result(Promise(), "init", deliverable=True)
    assert not jobs.streaming()
    jobs.start_result(items(), "init", deliverable=True)
    jobs.start_stream(Stream(items()), "init", deliverable=True)
    _, iterator, stream = worker.started
    assert jobs.streaming()
    jobs.cancel_streams()
    assert worker.cancelled == [stream]
    jobs.cancel_iterators()
    assert worker.cancelled == [stream, iterator]


def test_a_stream_is_begun_once_and_can_be_cancelled_until_it_is_reported():
    """Rule 4."""
    worker = Worker()
    jobs = Jobs(worker)
    stream, other = Stream(items()), Stream(items())
    assert jobs.start_stream(stream, "init", deliverable=True)
    assert not jobs.start_stream(stream, "init", deliverable=True)
    jobs.start_stream(other, "init", deliverable=True)
    (job, finished) = worker.started
    jobs.discard(finished)
    assert other.done
    other.cancel()
    assert worker.cancelled == []
    stream.cancel()
    stream.cancel()
    assert worker.cancelled == [job]
