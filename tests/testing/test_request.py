from sock import testing
from sock.wire import handshake


def test_a_made_up_request_is_a_valid_handshake():
    assert handshake.check(testing.request()) == "dGhlIHNhbXBsZSBub25jZQ=="


def test_it_has_a_path_a_query_and_cookies():
    request = testing.request("/rooms/7?name=ada", cookies={"a": "1", "b": "2"})
    assert (request.path, request.query["name"]) == ("/rooms/7", "ada")
    assert dict(request.cookies) == {"a": "1", "b": "2"}


def test_it_offers_subprotocols():
    assert testing.request(subprotocols=["v2", "v1"]).subprotocols == ["v2", "v1"]


def test_headers_that_are_given_stand_in_place_of_those_of_the_same_name():
    request = testing.request(headers={"host": "example.com", "X-More": "1"})
    assert request.headers.get_all("Host") == ["example.com"]
    assert request.headers["x-more"] == "1"


def test_headers_may_be_pairs_and_a_name_may_repeat():
    request = testing.request(headers=[("X-A", "1"), ("x-a", "2")])
    assert request.headers.get_all("X-A") == ["1", "2"]


def test_only_a_get_asks_for_a_connection():
    assert handshake.asks_to_upgrade(testing.request())
    assert not handshake.asks_to_upgrade(testing.request(upgrade=False))
    assert not handshake.asks_to_upgrade(testing.request(method="POST"))


def test_it_carries_what_a_router_and_middleware_say():
    request = testing.request(path_params={"room": 7}, state={"user": "ada"})
    assert request.path_params == {"room": 7}
    assert request.state == {"user": "ada"}


def test_two_requests_share_no_state():
    testing.request().state["user"] = "ada"
    assert testing.request().state == {}
