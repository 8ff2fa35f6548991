import inspect

from sock import Ref, Timer


def members(protocol):
    return {name for name in vars(protocol) if not name.startswith("_")}


def test_a_ref_has_what_the_contract_names():
    assert members(Ref) == {
        *("add_done_callback", "closed", "pending", "request"),
        *("send", "send_after", "spawn", "stop"),
    }


def test_a_timer_can_be_cancelled():
    assert members(Timer) == {"cancel"}


def test_what_is_read_only_has_no_setter():
    assert Ref.closed.fset is None
    assert Ref.pending.fset is None
    assert Ref.request.fset is None


def test_a_host_may_name_the_arguments_as_it_likes():
    for name in ("add_done_callback", "send", "send_after", "spawn"):
        parameters = inspect.signature(getattr(Ref, name)).parameters.values()
        assert {one.kind for one in list(parameters)[1:]} == {inspect.Parameter.POSITIONAL_ONLY}


def test_the_messages_of_stop_are_named():
    parameters = inspect.signature(Ref.stop).parameters
    assert list(parameters) == ["self", "code", "detail", "messages"]
    assert parameters["messages"].kind is inspect.Parameter.KEYWORD_ONLY
