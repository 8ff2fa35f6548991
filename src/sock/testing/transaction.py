"""The database connection of a Django test, lent to the thread in which a handler uses the ORM.

Django's `TestCase` keeps a transaction open in the thread of the test, and rolls it back at the
end. A handler uses the ORM through `sync_to_async`, and so in a thread of asgiref's, which would
have a connection of its own: the handler would not see the rows that the test has written, SQLite
would find the table locked, and the rows that the handler writes would stay. So the calls in that
thread use the connection of the test. Nothing else uses it at the time: the thread of the test
waits, and asgiref runs all such calls in one thread.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

ResultT = TypeVar("ResultT")


def opened() -> list[Any]:
    """Return the connections of this thread that have an open transaction. No loop may run here."""
    database: Any = sys.modules.get("django.db")
    if database is None or not sys.modules["django.conf"].settings.configured:
        return []
    return [one for one in database.connections.all(initialized_only=True) if one.in_atomic_block]


def sharing(
    lent: list[Any], executor: Executor | None, call: Callable[..., ResultT]
) -> Callable[..., ResultT]:
    """Return a function that calls another one with the connections of the test.

    Args:
        lent: the connections that `opened` has returned.
        executor: runs the function. For any other executor than asgiref's, `call` is returned as
            it is.
        call: the function that is called.
    """
    threads: Any = sys.modules.get("asgiref.sync")
    if not lent or threads is None or executor is not threads.SyncToAsync.single_thread_executor:
        return call

    def run(*args: Any) -> ResultT:
        connections: Any = sys.modules["django.db"].connections
        own = {one.alias: one for one in connections.all(initialized_only=True)}
        for one in lent:
            one.inc_thread_sharing()
            connections[one.alias] = one
        try:
            return call(*args)
        finally:
            for one in lent:
                one.dec_thread_sharing()
                del connections[one.alias]
                if one.alias in own:
                    connections[one.alias] = own[one.alias]

    return run
