"""The jobs of one connection: begun by its host, and watched until they are reported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any, cast, final

from .job import CALLBACK, STREAM, Job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sock.spec import Stream

    from .host import Host


@final
class Jobs:
    """The jobs of one connection that have not been reported.

    Args:
        host: starts and cancels them.
    """

    __slots__ = ("_host", "_jobs")

    def __init__(self, host: Host) -> None:
        self._host: Any = host  # a Host; None when there will be no more jobs
        self._jobs: set[Job] | None = None  # an idle connection keeps no empty set

    def __bool__(self) -> bool:
        return self._jobs is not None

    def start(self, job: Job) -> None:
        """Let the host begin a job, which it may report within this call."""
        self.add(job)
        self._host.start(job)

    def start_result(self, result: object, place: str, *, deliverable: bool) -> bool:
        """Begin the job that a callback has returned; return False if it has returned no job.

        Args:
            result: an awaitable or an async iterator is a job.
            place: the name of the callback.
            deliverable: whether the items of an iterator can still be sent. If not, the iterator is
                closed and not run (rule 7).
        """
        if isinstance(result, Awaitable):
            job = Job(CALLBACK, place, awaitable=cast("Awaitable[Any]", result))
        elif isinstance(result, AsyncIterator):
            job = Job(CALLBACK, place, iterator=cast("AsyncIterator[Any]", result))
            job.cancelled = not deliverable
        else:
            return False
        self.start(job)
        return True

    def start_stream(self, stream: Stream, place: str, *, deliverable: bool) -> bool:
        """Begin a stream; return False if it was begun before, because it runs once.

        Args:
            stream: if it was cancelled before it was returned, it is closed and not run.
            place: the name of the callback that has returned it.
            deliverable: whether its items can still be sent. If not, it is closed and not run.
        """
        iterator = stream.begin()
        if iterator is None:
            return False
        job = Job(STREAM, place, iterator=iterator, stream=stream)
        job.cancelled = stream.done or not deliverable
        stream.attach(lambda: self.cancel((job,)))
        self.start(job)
        return True

    def add(self, job: Job) -> None:
        """Note a job that the host has begun."""
        if self._jobs is None:
            self._jobs = set()
        self._jobs.add(job)

    def discard(self, job: Job) -> None:
        """Forget a job that was reported."""
        if self._jobs is not None:
            self._jobs.discard(job)
            self._jobs = self._jobs or None
        if job.stream is not None:
            job.stream.finish()

    def discard_all(self) -> tuple[Job, ...]:
        """Forget all jobs, though they were not reported, and return them."""
        jobs = self.running()
        for job in jobs:
            self.discard(job)
        return jobs

    def release_host(self) -> None:
        """Let go of the host, because there will be no more jobs."""
        self._host = None

    def running(self) -> tuple[Job, ...]:
        """Return the jobs that have not been reported."""
        return tuple(self._jobs or ())

    def streaming(self) -> bool:
        """Tell whether a stream is under way."""
        return any(job.role is STREAM for job in self.running())

    def cancel(self, jobs: Iterable[Job]) -> None:
        """Ask the host to cancel jobs, each once."""
        for job in jobs:
            if not job.cancelled:
                job.cancelled = True
                self._host.cancel(job)

    def cancel_streams(self) -> None:
        """Cancel all streams; no message waits for them."""
        self.cancel(job for job in self.running() if job.role is STREAM)

    def cancel_iterators(self) -> None:
        """Cancel generators and streams, which are of use to the peer only (rule 7)."""
        self.cancel(job for job in self.running() if job.iterator is not None)
