"""Coroutines begun at once: what suspends and what does not, and that neither sees the other."""

import asyncio
import contextvars
import gc
import sys
import weakref

import pytest

from sock.loop.eager import Eager, SuspendedCoroutine
from sock.loop.scope import Scope, Scoped

variable = contextvars.ContextVar("variable", default="nobody's")


class Begins:
    """Begins coroutines, each for a connection of its own."""

    def __init__(self, loop):
        self.eager = Eager(loop)
        self.shared = None

    def begin(self, coroutine):
        if self.shared is None:
            self.shared = Scope(contextvars.copy_context(), shared=True)
        owner = Scoped(self.shared)
        return owner.run_in_scope(self.eager.begin, coroutine, owner)


@pytest.fixture
def run(loop_factory):
    """Run what is given a `Begins`, as a callback of a loop and in no task."""

    def run(act):
        async def whole():
            loop = asyncio.get_running_loop()
            done = loop.create_future()

            def outside():
                try:
                    done.set_result(act(Begins(loop)))
                except BaseException as error:  # told to the test
                    done.set_exception(error)

            loop.call_soon(outside)
            return await done

        async def bounded():
            result = await asyncio.wait_for(whole(), 10)
            return await result if asyncio.iscoroutine(result) else result

        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(bounded())

    return run


async def returns(value):
    return value


async def waits(value=None):
    await asyncio.sleep(0)
    return value


def test_a_coroutine_that_does_not_suspend_has_its_result_at_once(run):
    def act(eager):
        assert asyncio.current_task() is None
        assert [eager.begin(returns(number)) for number in range(3)] == [0, 1, 2]
        assert asyncio.current_task() is None

    run(act)


def test_what_it_raises_is_raised(run):
    async def raises():
        raise ValueError("as it says")

    def act(eager):
        with pytest.raises(ValueError, match="as it says"):
            eager.begin(raises())
        assert asyncio.current_task() is None
        assert eager.begin(returns("next")) == "next"

    run(act)


@pytest.mark.parametrize("pause", [0, 0.001])
def test_one_that_suspends_goes_on_in_a_task_of_its_own(run, pause):
    tasks = []

    async def suspends():
        tasks.append(asyncio.current_task())
        await asyncio.sleep(pause)
        tasks.append(asyncio.current_task())
        return "later"

    def act(eager):
        begun = [eager.begin(suspends()) for _ in range(2)]
        assert all(isinstance(one, SuspendedCoroutine) for one in begun)

        async def wait():
            return [await one for one in begun]

        return wait()

    assert run(act) == ["later", "later"]
    one, other, *later = tasks
    assert one is not other
    assert set(later) == {one, other}


def test_timeouts_and_task_groups_find_the_task_that_they_need(run):
    async def needs_a_task():
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            task = group.create_task(waits("from the group"))
        return task.result()

    async def needs_none_in_the_end():
        async with asyncio.timeout(10):
            return await returns("at once")

    async def is_too_late():
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    def act(eager):
        assert eager.begin(needs_none_in_the_end()) == "at once"
        begun, late = eager.begin(needs_a_task()), eager.begin(is_too_late())

        async def wait():
            with pytest.raises(TimeoutError):
                await late
            return await begun

        return wait()

    assert run(act) == "from the group"


def test_a_context_variable_is_seen_by_whoever_set_it_and_by_nobody_else(run):
    seen = []

    async def sets(value, pause):
        seen.append(variable.get())
        variable.set(value)
        if pause:
            await asyncio.sleep(0)
        seen.append(variable.get())

    def act(eager):
        variable.set("the loop's")
        for value, pause in (("a", False), ("b", True), ("c", False)):
            begun = eager.begin(sets(value, pause))
        assert begun is None
        assert variable.get() == "the loop's"

        async def wait():
            for _ in range(5):
                await asyncio.sleep(0)

        return wait()

    run(act)
    assert seen == ["the loop's", "a", "the loop's", "the loop's", "c", "b"]


def test_whoever_leaves_a_callback_at_its_task_is_called_back_and_the_next_has_another(run):
    names, called = [], []

    async def leaves():
        names.append(asyncio.current_task().get_name())
        asyncio.current_task().add_done_callback(lambda task: called.append(task.get_name()))

    async def looks():
        names.append(asyncio.current_task().get_name())

    def act(eager):
        for coroutine in (looks(), looks(), leaves(), looks()):
            eager.begin(coroutine)
        assert names[0] == names[1] == names[2] != names[3]

        async def wait():
            while not called:
                await asyncio.sleep(0)

        return wait()

    run(act)
    assert called == [names[2]]


def keeps_it_in_a_list(task, kept):
    kept.append(task)


def keeps_it_as_a_key_that_is_weak(task, kept):
    kept.append(weakref.WeakKeyDictionary({task: "mine"}))


def keeps_a_weak_reference(task, kept):
    kept.append(weakref.ref(task))


def gives_it_an_attribute(task, kept):
    task.owner = "mine"


def names_it(task, kept):
    task.set_name("mine")


def adds_a_callback(task, kept):
    task.add_done_callback(kept.append)


@pytest.mark.parametrize(
    "keep",
    [
        keeps_it_in_a_list,
        keeps_it_as_a_key_that_is_weak,
        keeps_a_weak_reference,
        gives_it_an_attribute,
        names_it,
        adds_a_callback,
    ],
)
def test_a_task_that_anybody_may_still_hold_is_not_lent_again(run, keep):
    kept = []

    async def keeps():
        keep(asyncio.current_task(), kept)

    async def tells():
        return asyncio.current_task().get_name(), getattr(asyncio.current_task(), "owner", None)

    def act(eager):
        before = eager.begin(tells())
        assert eager.begin(tells()) == before
        eager.begin(keeps())
        after = eager.begin(tells())
        assert after[0] not in {before[0], "mine"}
        assert after[1] is None
        assert eager.begin(tells()) == after

    run(act)


def test_a_task_that_is_kept_is_done_with_the_result_of_its_own_coroutine(run):
    kept = []

    async def keeps():
        kept.append(asyncio.current_task())
        return "mine"

    async def waits_for_more():
        await asyncio.sleep(0)
        return "a stranger's"

    def act(eager):
        eager.begin(keeps())
        begun = eager.begin(waits_for_more())

        async def wait():
            assert await begun == "a stranger's"
            return await kept[0]

        return wait()

    assert run(act) == "mine"


def test_whoever_cancels_a_task_that_was_kept_cancels_no_other_coroutine(run):
    kept = []

    async def keeps():
        kept.append(asyncio.current_task())

    def act(eager):
        eager.begin(keeps())
        begun = eager.begin(waits("not cancelled"))
        kept[0].cancel()

        async def wait():
            return await begun

        return wait()

    assert run(act) == "not cancelled"


def test_a_task_says_the_context_that_its_coroutine_runs_in(run):
    async def asks(pause):
        variable.set(pause)
        if pause:
            await asyncio.sleep(0)
        return asyncio.current_task().get_context()[variable]

    def act(eager):
        assert eager.begin(asks(False)) is False
        begun = eager.begin(asks(True))

        async def wait():
            return await begun

        return wait()

    assert run(act) is True


def test_one_that_cancels_itself_is_cancelled(run):
    async def cancels(pause):
        asyncio.current_task().cancel()
        if pause:
            await asyncio.sleep(0)

    def act(eager):
        with pytest.raises(asyncio.CancelledError):
            eager.begin(cancels(pause=False))
        begun = eager.begin(cancels(pause=True))
        assert eager.begin(returns(1)) == 1

        async def wait():
            with pytest.raises(asyncio.CancelledError):
                await begun
            return begun.task.cancelled()

        return wait()

    assert run(act) is True


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_one_that_is_cancelled_in_any_turn_may_clean_up(run, turns):
    told = []

    async def cleans():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            told.append("cleaned")
            raise

    def act(eager):
        begun = eager.begin(cleans())

        async def wait():
            for _ in range(turns):
                await asyncio.sleep(0)
            if turns:
                begun.task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await begun

        if not turns:
            begun.task.cancel()  # before its first step
        return wait()

    run(act)
    assert told == ["cleaned"]


def test_what_it_waits_for_may_be_there_before_the_next_turn(run):
    def act(eager):
        future = asyncio.get_running_loop().create_future()

        async def waits_for_it():
            return await future

        begun = eager.begin(waits_for_it())
        future.set_result("soon")

        async def wait():
            return await begun

        return wait()

    assert run(act) == "soon"


@pytest.mark.parametrize("others", [0, 1, 2])
def test_many_may_wait_for_one_future_in_one_turn(run, others):
    def act(eager):
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        async def waits_for_it():
            return await future

        begun = [eager.begin(waits_for_it()) for _ in range(3)]
        tasks = [loop.create_task(waits_for_it()) for _ in range(others)]
        begun.append(eager.begin(waits_for_it()))

        async def wait():
            for _ in range(3):
                await asyncio.sleep(0)
            future.set_result("theirs")
            return [await one for one in (*begun, *tasks)]

        return wait()

    assert run(act) == ["theirs"] * (4 + others)


def test_a_future_that_is_yielded_and_not_awaited_is_refused_as_by_any_task(run):
    class Yields:
        def __await__(self):
            yield asyncio.get_running_loop().create_future()

    async def yields():
        await Yields()

    def act(eager):
        begun = eager.begin(yields())

        async def wait():
            with pytest.raises(RuntimeError, match="yield was used instead of yield from"):
                await begun

        return wait()

    run(act)


@pytest.mark.parametrize("turns", [0, 1, 2])
@pytest.mark.parametrize("gathered", [False, True])
def test_one_that_is_cancelled_in_any_turn_cancels_what_it_waits_for(run, turns, gathered):
    def act(eager):
        loop = asyncio.get_running_loop()
        child = loop.create_task(asyncio.sleep(3600))
        heard = []

        async def waits_for_it():
            try:
                await (asyncio.gather(child) if gathered else child)
            except asyncio.CancelledError as error:
                heard.extend(error.args)
                raise

        begun = eager.begin(waits_for_it())

        async def wait():
            for _ in range(turns):
                await asyncio.sleep(0)
            if turns:
                begun.task.cancel("enough")
            with pytest.raises(asyncio.CancelledError):
                await begun
            assert child.cancelled()
            if not gathered:  # gather passes the word on in some versions of Python
                assert heard == ["enough"]

        if not turns:
            begun.task.cancel("enough")  # before its first step
        return wait()

    run(act)


def test_one_that_is_cancelled_when_all_it_waits_for_is_there_is_cancelled(run):
    def act(eager):
        future = asyncio.get_running_loop().create_future()

        async def waits_for_it():
            return await future

        begun = eager.begin(waits_for_it())
        future.set_result("too late")
        begun.task.cancel()

        async def wait():
            with pytest.raises(asyncio.CancelledError):
                await begun
            return begun.task.cancelled()

        return wait()

    assert run(act) is True


def test_a_task_that_was_found_between_two_coroutines_is_lent_to_no_other(run):
    def act(eager):
        loop = asyncio.get_running_loop()
        before = asyncio.all_tasks(loop)
        assert eager.begin(returns("first")) == "first"
        found = asyncio.all_tasks(loop) - before
        for task in found:
            task.cancel()

        async def tells():
            return asyncio.current_task() in found

        assert len(found) == 1
        assert eager.begin(tells()) is False

    run(act)


def test_a_coroutine_may_be_begun_inside_a_task(run):
    def act(eager):
        async def inside():
            before = asyncio.current_task()
            assert eager.begin(returns("inner")) == "inner"
            assert asyncio.current_task() is before
            begun = eager.begin(waits("outer"))
            assert asyncio.current_task() is before
            return await begun

        return inside()

    assert run(act) == "outer"


def test_a_coroutine_may_be_begun_in_the_first_step_of_another(run):
    def act(eager):
        begun = []

        async def outer():
            before = asyncio.current_task()
            assert eager.begin(returns("at once")) == "at once"
            begun.append(eager.begin(waits("inner")))
            assert asyncio.current_task() is before
            await asyncio.sleep(0)
            assert asyncio.current_task() is before
            return "outer"

        begun.append(eager.begin(outer()))

        async def wait():
            return [await one for one in begun]

        return wait()

    assert run(act) == ["inner", "outer"]


def test_a_task_factory_makes_every_task(run):
    made = []

    def act(eager):
        loop = asyncio.get_running_loop()

        def factory(loop, coroutine, **how):
            made.append(coroutine.__name__)
            return asyncio.Task(coroutine, loop=loop, **how)

        loop.set_task_factory(factory)
        begun = eager.begin(returns("made"))
        loop.set_task_factory(None)

        async def wait():
            return await begun

        return wait()

    assert run(act) == "made"
    assert made == ["returns"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_a_task_factory_that_begins_at_once_leaves_the_variables_to_the_scope(run):
    def act(eager):
        loop = asyncio.get_running_loop()

        def factory(loop, coroutine, **how):  # asyncio's own knows not all that uvloop asks for
            return asyncio.Task(coroutine, loop=loop, **{**how, "eager_start": True})

        loop.set_task_factory(factory)

        async def sets():
            variable.set("mine")
            await asyncio.sleep(0)
            return variable.get()

        begun = eager.begin(sets())
        loop.set_task_factory(None)

        async def wait():
            return await begun

        return wait()

    assert run(act) == "mine"


def test_a_task_that_was_lent_leaves_nothing_behind(run):
    def act(eager):
        for number in range(10):
            eager.begin(returns(number))

        async def wait():
            for _ in range(3):
                await asyncio.sleep(0)
            gc.collect()
            gc.disable()
            try:
                begun = eager.begin(waits())
                eager.begin(returns(None))
                await begun
                del begun
                await asyncio.sleep(0)
                return gc.collect()
            finally:
                gc.enable()

        return wait()

    assert run(act) == 0


def test_a_loop_that_ends_before_a_coroutine_closes_it(run):
    told = []

    async def never():
        try:
            await asyncio.Event().wait()
        finally:
            told.append("closed")

    run(lambda eager: eager.begin(never()) and None)
    gc.collect()
    assert told == ["closed"]


def test_a_variable_set_to_an_equal_value_is_not_seen_by_the_next_one(run):
    async def sets():
        variable.set([])
        return variable.get()

    async def reads():
        return variable.get()

    def act(eager):
        variable.set([])
        eager.begin(sets()).append("the first one's own")
        return eager.begin(reads())

    assert run(act) == []


def test_a_variable_that_cannot_be_compared_is_none_of_a_coroutine_s_business(run):
    class Ambiguous:
        def __eq__(self, other):
            raise ValueError("one truth for many")

        __hash__ = None

    def act(eager):
        variable.set(Ambiguous())
        return [eager.begin(returns(number)) for number in range(2)]

    assert run(act) == [0, 1]
