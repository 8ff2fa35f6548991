"""JSON Schemas of declared types, in the dialect that AsyncAPI reads: draft 7.

msgspec and pydantic make them, in draft 2020-12. What is written otherwise in draft 7:

    2020-12                        draft 7
    -----------------------------  ----------------------------------------------------------
    prefixItems, items             items, additionalItems
    a $ref beside other keywords   the $ref in an allOf, because draft 7 reads nothing else
    discriminator                  nothing: the members of the union say it by their tags
"""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from .kind import name_of, parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REF: Final = "#/components/schemas/"
"""What a reference to a component begins with."""

Schema = dict[str, Any] | bool


class Described(NamedTuple):
    """The schemas of several types."""

    schemas: list[Schema]
    """One for each type, in the order in which the types were given."""
    components: dict[str, Schema]
    """The schemas to which others refer, by their names."""


def describe(kinds: Iterable[tuple[Any, bool]]) -> Described:
    """Return the schemas of types.

    Args:
        kinds: each with whether values of it are written; otherwise they are read. Some models of
            pydantic are not written as they are read.

    Raises:
        TypeError: there is no schema for a type, or two types have the same name.
        ImportError: msgspec is not installed.

    >>> describe([(dict[str, int], False)]).schemas
    [{'type': 'object', 'additionalProperties': {'type': 'integer'}}]
    """
    asked = list(kinds)
    of_pydantic = [any(map(_is_pydantic, parts(kind))) for kind, _ in asked]
    models = [one for one, is_model in zip(asked, of_pydantic, strict=True) if is_model]
    others = [kind for (kind, _), is_model in zip(asked, of_pydantic, strict=True) if not is_model]
    made: dict[str, Any] = {}
    by_msgspec = _by_msgspec(others, made) if others else []
    by_pydantic = _by_pydantic(models, made) if models else []
    told, told_of_models = iter(by_msgspec), iter(by_pydantic)
    schemas = [next(told_of_models if is_model else told) for is_model in of_pydantic]
    return Described(
        [draft_7(one) for one in schemas], {name: draft_7(one) for name, one in made.items()}
    )


def draft_7(schema: Any) -> Any:
    """Return a schema of draft 2020-12 in draft 7."""
    if isinstance(schema, list):
        return [draft_7(one) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    found = cast("dict[str, Any]", schema)
    if "$ref" in found and len(found) > 1:
        rest = {key: value for key, value in found.items() if key != "$ref"}
        return {"allOf": [{"$ref": found["$ref"]}], **cast("dict[str, Any]", draft_7(rest))}
    converted: dict[str, Any] = {}
    for key, value in found.items():
        match key:
            case "discriminator":
                pass
            case "description":  # a docstring, whose lines may be indented
                converted[key] = cleandoc(str(value))
            case "prefixItems":
                converted["items"] = draft_7(value)
            case "items" if "prefixItems" in found:
                converted["additionalItems"] = draft_7(value)
            case "properties" | "patternProperties":  # whose keys are no keywords
                inside = cast("dict[str, Any]", value)
                converted[key] = {name: draft_7(one) for name, one in inside.items()}
            case "enum" | "const" | "default" | "examples":  # whose values are no schemas
                converted[key] = value
            case _:
                converted[key] = draft_7(value)
    return converted


def _is_pydantic(kind: Any) -> bool:
    return hasattr(kind, "__pydantic_validator__")


def _by_msgspec(kinds: list[Any], made: dict[str, Any]) -> list[Any]:
    try:
        from msgspec import json
    except ImportError as error:
        raise ImportError("msgspec is not installed: pip install 'sockpy[typed]'") from error

    def of_model(kind: Any) -> dict[str, Any]:
        """Return the schema of a model of pydantic that is a field of a type of msgspec's."""
        if not _is_pydantic(kind):
            raise TypeError(f"there is no JSON Schema for {name_of(kind)}")
        return cast("dict[str, Any]", _by_pydantic([(kind, False)], made)[0])

    schemas, components = json.schema_components(
        kinds, schema_hook=of_model, ref_template=f"{REF}{{name}}"
    )
    _add(components, made)
    return list(schemas)


def _by_pydantic(kinds: list[tuple[Any, bool]], made: dict[str, Any]) -> list[Any]:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    adapters: list[tuple[int, Any, Any]] = []
    for number, (kind, written) in enumerate(kinds):
        mode = "serialization" if written else "validation"
        try:
            adapters.append((number, mode, TypeAdapter(kind)))
        except PydanticSchemaGenerationError:
            raise TypeError(f"there is no JSON Schema for {name_of(kind)}") from None
    found, whole = TypeAdapter.json_schemas(adapters, ref_template=f"{REF}{{model}}")
    _add(whole.get("$defs", {}), made)
    return [found[number, mode] for number, mode, _ in adapters]


def _add(components: Mapping[str, Any], made: dict[str, Any]) -> None:
    for name, one in components.items():
        if made.setdefault(name, one) != one:
            raise TypeError(f"two types are called {name!r}: rename one of them")
