"""Applications that are chosen by the path. [S20.14] to [S20.19]"""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from inspect import isawaitable

import pytest

from sock import (
    Application,
    HandlerError,
    HandshakeError,
    Options,
    Refuse,
    Response,
    Routes,
    Sock,
    TextSock,
    Upgrade,
    Wrapper,
    around,
    mount,
    testing,
)
from sock.spec.application import (
    depends_on_path,
    handler_class,
    lifespan_of,
    options_of,
    routed_class,
)


class Echo(Sock):
    def handle_in(self, message):
        return message


class Chat(TextSock):
    options = Options(idle_timeout=300, max_message_size=10)

    def __init__(self, request):
        self.room = request.path_params["room"]


class See(Wrapper):
    def outgoing(self, message):
        return message


def page(request):
    return Response(200, f"{request.root_path}|{request.path}|{dict(request.path_params)}")


async def later(request):
    return page(request)


def body(app, target, **more):
    answer = app(testing.request(target, **more))
    return answer.body


def lifespan(journal, **state):
    @asynccontextmanager
    async def manager():
        journal.append(f"enter {sorted(state)}")
        yield state
        journal.append(f"leave {sorted(state)}")

    return manager


class TestRoutes:
    def test_the_first_template_that_matches_answers(self):
        app = Routes({"/a/{x}": page, "/a/b": later, "/{rest:path}": lambda _: Response(204)})
        assert body(app, "/a/b") == "|/a/b|{'x': 'b'}"
        assert app(testing.request("/a")).status == 204

    def test_where_none_matches_it_is_404(self):
        answer = Routes({"/a": page})(testing.request("/b"))
        assert (answer.status, answer.body) == (404, "nothing here\n")

    def test_a_path_is_compared_decoded(self):
        app = Routes({"/café/{x}": page})
        assert body(app, "/caf%C3%A9/a%20b") == "|/café/a b|{'x': 'a b'}"
        assert app(testing.request("/caf%C3%A9/a%2Fb")).status == 404

    def test_values_are_laid_over_those_of_the_router_outside(self):
        app = Routes({"/{x}/{y}": page})
        request = testing.request("/1/2", path_params={"x": "outside", "z": "3"})
        assert app(request).body.endswith("{'x': '1', 'z': '3', 'y': '2'}")
        assert request.path_params["y"] == "2"

    def test_a_route_without_parameters_leaves_those_there_are(self):
        request = testing.request("/a", path_params={"x": "outside"})
        assert body(Routes({"/a": page}), "/a") == "|/a|{}"
        assert Routes({"/a": page})(request).body == "|/a|{'x': 'outside'}"

    @pytest.mark.parametrize(
        ("app", "kind"),
        [
            (Echo, Echo),
            (partial(Chat), Chat),
            (around(Echo, See), Echo),
            (Application(Chat), Chat),
            (page, None),
            (Routes({"/a": Echo}), Echo),
            (mount("/a", around(Echo, See)), Echo),
            (mount("/b", Echo), None),
        ],
    )
    def test_a_host_knows_the_class_behind_a_route(self, app, kind):
        routes = Routes({"/{rest:path}": app})
        assert routed_class(routes, "/a") == (kind, None)
        assert handler_class(routes) is None
        assert depends_on_path(routes)

    def test_a_host_knows_that_nobody_answers(self):
        assert routed_class(Routes({"/a": Echo}), "/b") == (None, None)
        assert not depends_on_path(around(Application(partial(Chat)), See))
        assert not depends_on_path(page)

    def test_an_ordinary_request_for_a_route_with_a_class_is_answered_with_426(self):
        """And no handler is made: this one would raise."""
        app = Routes({"/chat": Chat, "/rooms/{room}": around(Chat, See), "/page": page})
        for target in ("/chat", "/rooms/7"):
            with testing.open(app, testing.request(target, upgrade=False)) as session:
                assert session.response.status == 426
        with testing.open(app, testing.request("/page", upgrade=False)) as session:
            assert session.response.status == 200

    def test_the_origin_is_checked_before_the_handler_of_a_class_is_made(self):
        app = Routes({"/chat": Chat})
        with testing.open(app, "/chat", headers={"Origin": "https://other.example"}) as session:
            assert session.response.status == 403

    def test_the_origins_of_the_class_count(self):
        class Open(Echo):
            options = Options(origins=["https://other.example"])

        app = Routes({"/open": Open, "/closed": Echo})
        headers = {"Origin": "https://other.example"}
        with testing.open(app, "/open", headers=headers) as session:
            session.receive("hi")
            assert session.pushed() == ["hi"]
        with testing.open(app, "/closed", headers=headers) as session:
            assert session.response.status == 403

    def test_the_origins_of_the_route_count(self):
        def only(origin):
            return Application(Echo, options=Options(origins=[origin], max_mailbox=7))

        inner = Routes({"/a": only("https://one.example"), "/b": Echo})
        app = Routes({"/{rest:path}": Application(inner, options=Options(origins="*"))})
        for target, origin, status in (
            ("/a", "https://one.example", None),
            ("/a", "https://two.example", 403),
            ("/b", "https://two.example", None),
        ):
            with testing.open(app, target, headers={"Origin": origin}) as session:
                assert (session.response and session.response.status) == status

    def test_the_handler_and_its_ref_have_the_values(self):
        with testing.open(Routes({"/rooms/{room}": Chat}), "/rooms/7") as session:
            assert session.handler.room == "7"
            assert session.ref.request.path_params == {"room": "7"}

    def test_refuse_passes(self):
        def refuses(request):
            raise Refuse(401)

        with testing.open(Routes({"/": refuses})) as session:
            assert session.response.status == 401

    def test_its_repr_has_all(self):
        assert repr(Routes({"/a": page})) == f"Routes({{'/a': {page!r}}})"


class TestMistakes:
    def test_a_template_that_is_never_reached_is_refused(self):
        with pytest.raises(ValueError, match=r"'/\{b\}' is never reached: '/\{a\}' comes first"):
            Routes({"/{a}": page, "/{b}": page})

    @pytest.mark.parametrize(("wrong", "told"), [(7, "7 cannot be"), (See, r"around\(app, See\)")])
    def test_what_is_no_application_is_refused(self, wrong, told):
        with pytest.raises(TypeError, match=rf"behind '/a': .*{told}"):
            Routes({"/a": wrong})
        with pytest.raises(TypeError, match=rf"below '/a': .*{told}"):
            mount("/a", wrong)

    def test_options_that_only_a_server_has_belong_to_the_whole(self):
        limited = Application(page, options=Options(max_connections=3))
        with pytest.raises(ValueError, match=r"max_connections.*; give them to the whole"):
            Routes({"/a": limited})

    @pytest.mark.parametrize(
        ("prefix", "told"),
        [
            ("chat", "a prefix is like '/chat'"),
            ("/chat/", "a prefix is like '/chat'"),
            ("/", "a prefix is like '/chat'"),
            ("", "a prefix is like '/chat'"),
            ("/{x}", "has a parameter, and only Routes know those"),
            ("/a?b", "has a query"),
            ("/caf%C3%A9", "is encoded"),
        ],
    )
    def test_a_wrong_prefix_is_refused(self, prefix, told):
        with pytest.raises(ValueError, match=told):
            mount(prefix, page)


class TestMount:
    @pytest.mark.parametrize(
        ("target", "seen"),
        [
            ("/chat", "/chat|/|{}"),
            ("/chat/", "/chat|/|{}"),
            ("/chat/rooms/7", "/chat|/rooms/7|{}"),
            ("/chat//", "/chat|//|{}"),
            ("/ch%61t/a%20b?x=1", "/chat|/a b|{}"),
        ],
    )
    def test_the_prefix_moves_to_the_root_path(self, target, seen):
        request = testing.request(target)
        assert mount("/chat", page)(request).body == seen
        assert request.target == target

    @pytest.mark.parametrize("target", ["/", "/chatty", "/cha", "/Chat", "//chat"])
    def test_beside_it_is_nothing(self, target):
        request = testing.request(target)
        assert mount("/chat", page)(request).status == 404
        assert (request.root_path, request.path) == ("", target)

    def test_mounts_and_routes_stand_in_each_other(self):
        inner = Routes({"/rooms/{room}": page})
        app = Routes({"/v1{rest:path}": mount("/v1", mount("/chat", inner)), "/{x}": page})
        assert body(app, "/v1/chat/rooms/7").startswith("/v1/chat|/rooms/7|")
        assert body(app, "/a") == "|/a|{'x': 'a'}"
        assert body(mount("/chat", inner), "/chat/rooms/7", root_path="/api").startswith(
            "/api/chat|/rooms/7|"
        )

    def test_it_has_the_lifespan_and_the_options_of_its_application(self):
        journal = []
        entered = lifespan(journal)
        limited = Application(page, lifespan=entered, options=Options(max_connections=3))
        mounted = mount("/a", limited)
        assert lifespan_of(mounted) is entered
        assert options_of(mounted) == Options(max_connections=3)
        assert repr(mounted) == f"mount('/a', {limited!r})"


class TestWhatBelongsToThem:
    def test_lifespans_are_entered_in_order_and_left_in_reverse(self):
        journal = []
        shared = lifespan(journal, pool=7)
        app = Routes(
            {
                "/a": Application(Echo, lifespan=shared),
                "/b": Application(around(Echo, See), lifespan=lifespan(journal, mail="m")),
                "/c": around(Application(Echo, lifespan=shared), See),
                "/d": Echo,
            }
        )
        with testing.open(app, "/a") as session, testing.open(app, "/b"):
            assert journal == ["enter ['pool']", "enter ['mail']"]
            assert session.request.state["pool"] == 7
            assert session.request.state["mail"] == "m"
        assert journal[2:] == ["leave ['mail']", "leave ['pool']"]

    def test_one_lifespan_is_the_lifespan(self):
        only = lifespan([])
        assert Routes({"/a": Application(page, lifespan=only), "/b": page}).lifespan is only
        assert Routes({"/a": page}).lifespan is None

    def test_two_lifespans_yield_different_names(self):
        journal = []
        app = Routes(
            {
                "/a": Application(Echo, lifespan=lifespan(journal, pool=7)),
                "/b": Application(Echo, lifespan=lifespan(journal, pool=8)),
            }
        )
        with pytest.raises(TypeError, match="two lifespans yield 'pool'"), testing.open(app, "/a"):
            pass
        assert journal == ["enter ['pool']", "enter ['pool']"]

    @pytest.mark.parametrize("awaited", [False, True])
    def test_the_options_of_a_route_are_between_the_hosts_and_the_classs(self, run_async, awaited):
        """[S19.2] [S20.19]"""
        own = Options(max_message_size=5, max_mailbox=5, max_fragments=5, idle_timeout=500)

        def answer(request):
            return Upgrade(Chat(request), options=Options(max_fragments=4))

        async def answer_later(request):
            return answer(request)

        app = Application(answer_later if awaited else answer, options=own)
        routes = Routes({"/rooms/{room}": app, "/page": Application(page, options=own)})

        async def ask(target):
            made = routes(testing.request(target))
            return await made if isawaitable(made) else made

        upgrade = run_async(ask("/rooms/7"))
        assert run_async(ask("/page")).status == 200
        given = {name: getattr(upgrade.options, name) for name in upgrade.options.given}
        assert given == {
            "max_message_size": 10,  # the class's
            "idle_timeout": 300,
            "max_mailbox": 5,  # the route's
            "max_fragments": 4,  # the upgrade's
        }

    def test_what_is_no_answer_is_found_by_the_host(self):
        app = Routes({"/a": Application(lambda request: 7, options=Options(max_mailbox=3))})
        with pytest.raises(HandlerError, match="answered with a 'int'"), testing.open(app, "/a"):
            pass

    def test_options_of_the_whole_are_the_applications(self):
        app = Application(Routes({"/a": Echo}), options=Options(max_connections=3))
        assert options_of(app) == Options(max_connections=3)
        assert depends_on_path(app)


def test_the_handshake_is_checked_first(run_async):
    from sock.hosting import asking

    def fails():
        raise HandshakeError(400, "bad")

    with pytest.raises(HandshakeError, match="bad"):
        asking.call(
            Routes({"/": Echo}),
            testing.request(),
            fails,
            upgrading=True,
            sock_class=None,
            options=Options(),
        )
