"""Routes to WebSockets in Django's own form."""

from __future__ import annotations

import pytest

from sock import Sock

pytest.importorskip("django")
pytest.importorskip("channels")
from django.urls import Resolver404, URLResolver, reverse
from django.urls.resolvers import RegexPattern

from sock.adapters.django import path, re_path


async def room(request, slug, kind):
    return Sock(request.sock)


PATTERNS = [
    path("rooms/<slug:slug>/", room, {"kind": "plain"}, "room"),
    re_path(r"^files/(?P<slug>\d+)/$", room, {"kind": "numbered"}, "file"),
    path("class/", Sock),
]


@pytest.mark.parametrize(
    ("address", "view", "values"),
    [
        ("/rooms/red/", room, {"slug": "red", "kind": "plain"}),
        ("/files/7/", room, {"slug": "7", "kind": "numbered"}),
        ("/class/", Sock, {}),
    ],
)
def test_a_route_leads_to_its_view_with_the_values_of_its_path(address, view, values):
    match = URLResolver(RegexPattern(r"^/"), PATTERNS).resolve(address)
    assert (match.func, match.kwargs) == (view, values)


def test_another_path_leads_nowhere():
    with pytest.raises(Resolver404):
        URLResolver(RegexPattern(r"^/"), PATTERNS).resolve("/files/seven/")


def test_a_name_leads_back_to_the_path():
    class Project:
        urlpatterns = PATTERNS

    assert reverse("room", Project, kwargs={"slug": "red"}) == "/rooms/red/"
