"""The context of a connection: shared as long as it is as it was, and then its own."""

import asyncio
import contextvars

import pytest

from sock.loop.scope import Scope, Scoped

variable = contextvars.ContextVar("variable", default="nobody's")


@pytest.fixture
def shared():
    return Scope(contextvars.Context(), shared=True)


def test_who_leaves_a_shared_scope_as_it_was_goes_on_sharing_it(shared):
    one, other = Scoped(shared), Scoped(shared)
    for scoped in (one, other):
        assert scoped.run_in_scope(variable.get) == "nobody's"
    assert one.scope is other.scope is shared


def test_who_sets_a_variable_has_a_scope_of_its_own_from_then_on(shared):
    one, other = Scoped(shared), Scoped(shared)
    one.run_in_scope(variable.set, "one's")
    assert one.scope is not shared
    assert one.run_in_scope(variable.get) == "one's"
    assert other.run_in_scope(variable.get) == "nobody's"
    other.run_in_scope(variable.set, "other's")
    assert one.run_in_scope(variable.get) == "one's"
    assert other.run_in_scope(variable.get) == "other's"
    assert variable.get() == "nobody's"


def test_a_variable_set_to_an_equal_value_is_not_seen_by_the_next_one():
    begun = contextvars.Context()
    begun.run(variable.set, [])
    shared = Scope(begun, shared=True)
    one, other = Scoped(shared), Scoped(shared)
    one.run_in_scope(variable.set, [])
    one.run_in_scope(lambda: variable.get().append("the first one's"))
    assert other.run_in_scope(variable.get) == []


def test_what_raises_within_a_scope_has_left_it_and_keeps_what_it_has_set(shared):
    one, other = Scoped(shared), Scoped(shared)

    def fails():
        variable.set("set")
        raise ValueError("as it says")

    with pytest.raises(ValueError, match="as it says"):
        one.run_in_scope(fails)
    assert one.run_in_scope(variable.get) == "set"
    assert other.run_in_scope(variable.get) == "nobody's"


def test_within_a_scope_its_own_connection_is_within_already(shared):
    one = Scoped(shared)

    def outer():
        variable.set("outer")
        one.run_in_scope(variable.set, "inner")
        return variable.get()

    assert one.run_in_scope(outer) == "inner"
    assert one.run_in_scope(variable.get) == "inner"


def test_another_connection_that_runs_meanwhile_has_a_scope_of_its_own(shared):
    one, other = Scoped(shared), Scoped(shared)

    def outer():
        variable.set("one's")
        return other.run_in_scope(variable.get)

    assert one.run_in_scope(outer) == "nobody's"
    assert other.run_in_scope(variable.get) == "nobody's"
    assert one.run_in_scope(variable.get) == "one's"


def test_a_scope_that_is_made_its_own_in_the_middle_stays_the_one_that_is_run_in(shared):
    one, other = Scoped(shared), Scoped(shared)

    def waits():
        scope = one.own_scope()
        variable.set("set behind that")
        return scope

    scope = one.run_in_scope(waits)
    assert one.scope is scope is one.own_scope() is not shared
    assert scope.run(variable.get) == "set behind that"
    assert other.run_in_scope(variable.get) == "nobody's"
    assert other.scope is shared


def test_who_is_given_a_scope_of_its_own_by_another_one_takes_nothing_of_it(shared):
    one, other = Scoped(shared), Scoped(shared)

    def spawns():
        variable.set("one's")
        scope = other.own_scope()
        variable.set("still one's")
        return scope

    scope = one.run_in_scope(spawns)
    assert scope is other.scope is not shared
    assert one.run_in_scope(variable.get) == "still one's"
    assert other.run_in_scope(variable.get) == "nobody's"
    other.run_in_scope(variable.set, "other's")
    assert scope.run(variable.get) == "other's"
    assert one.run_in_scope(variable.get) == "still one's"
    assert variable.get() == "nobody's"


def test_a_step_that_is_run_within_its_scope_is_just_run(shared):
    one = Scoped(shared)
    scope = one.own_scope()
    assert scope.run(one.run_in_scope, variable.get) == "nobody's"
    assert one.run_in_scope(scope.run, variable.get) == "nobody's"


def test_a_step_that_raises_has_left_the_scope(shared):
    scope = Scoped(shared).own_scope()

    def fails():
        raise ValueError("as it says")

    for _ in range(2):
        with pytest.raises(ValueError, match="as it says"):
            scope.run(fails)


def test_what_is_accepted_where_a_variable_was_set_has_a_scope_of_its_own(shared):
    def accepts(value):
        if value:
            variable.set(value)
        return shared.for_current_context()

    assert contextvars.Context().run(accepts, None) is shared
    scope = contextvars.Context().run(accepts, "set")
    assert scope is not shared
    assert Scoped(scope).run_in_scope(variable.get) == "set"


def test_a_fresh_context_has_what_a_shared_scope_begins_with():
    begun = contextvars.Context()
    begun.run(variable.set, "the program's")
    shared = Scope(begun, shared=True)
    Scoped(shared).run_in_scope(variable.set, "somebody's")
    assert shared.new_context().run(variable.get) == "the program's"


def test_a_task_begun_within_a_scope_has_a_copy_of_it(shared):
    one = Scoped(shared)

    async def tells():
        return variable.get()

    async def act():
        one.run_in_scope(variable.set, "set")
        return await one.run_in_scope(asyncio.ensure_future, tells())

    assert asyncio.run(act()) == "set"
