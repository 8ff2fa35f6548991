"""Which JsonSocks an application has, by the table of the module."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.one_form


def found(document, name):
    return {key: one["address"] for key, one in document(f"alone:{name}")["channels"].items()}


def test_a_json_sock_is_itself(document):
    assert found(document, "Desk") == {"Desk": "/"}


def test_routes_give_paths(document):
    assert found(document, "app") == {
        "Desk": "/desk/{room}/{number}",
        "Numbers": "/numbers",
        "Models": "/models/all",
        "Untyped": "/untyped",
    }


def test_a_function_is_described_by_its_annotation(document):
    assert found(document, "annotated") == {"Numbers": "/"}


def test_a_function_whose_annotation_says_nothing_is_described_by_its_code(document):
    assert found(document, "of_code") == {"Models": "/"}


def test_an_object_is_described_by_the_method_that_is_called(document):
    assert found(document, "callable_object") == {"Numbers": "/"}


def test_parameters_are_described(document):
    channel = document("alone:app")["channels"]["Desk"]
    assert channel["parameters"] == {"room": {}, "number": {"description": "A whole number."}}
    assert channel["description"] == "Takes orders."
