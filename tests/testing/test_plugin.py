from sock import Sock

pytest_plugins = ["pytester"]


class Echo(Sock):
    def handle_in(self, message):
        return message


def test_open_session_opens_sessions_that_need_not_be_closed(open_session):
    one, other = open_session(Echo), open_session(Echo, "/other")
    one.receive("hello")
    assert (one.pushed(), other.pushed()) == (["hello"], [])
    assert other.request.path == "/other"


def test_a_handler_that_fails_fails_its_test(pytester):
    pytester.makepyfile(
        """
        from sock import Sock

        class Fails(Sock):
            def handle_in(self, message):
                raise LookupError("the handler's")

        def test_it(open_session):
            open_session(Fails).receive("hello")
        """
    )
    result = pytester.runpytest("-p", "no:randomly")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*LookupError: the handler's"])
