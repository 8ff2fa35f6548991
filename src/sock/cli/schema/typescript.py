"""Conversations as types of TypeScript, for the client: of a WebSocket, or of phoenix.js.

of the schema                          in TypeScript
-------------------------------------  ------------------------------------------------
a component                            an interface, or a type
properties                             { name: …; not_required?: … }
additionalProperties                   { [key: string]: … }
items                                  (…)[], or a tuple
anyOf, oneOf                           … | …
allOf                                  … & …
enum, const                            literals
no keyword that TypeScript could hold  unknown
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from sock.typed.schema import REF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sock.typed.schema import Schema

    from .conversation import Conversation, Message

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)
_PHOENIX: Final = """\
import type { Channel, Push } from "phoenix";

/** A push or a join whose reply is known. */
export interface PushOf<Response> extends Omit<Push, "receive"> {
  receive(status: "ok", callback: (response: Response) => unknown): this;
  receive(status: string, callback: (response: any) => unknown): this;
}
"""

_SIMPLE: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def typescript(
    conversations: Iterable[Conversation], components: Mapping[str, Schema], target: str
) -> str:
    """Return a module of TypeScript.

    Args:
        conversations: what is said, with the schemas of the messages.
        components: the schemas to which these refer.
        target: what was asked for.
    """
    names: dict[str, str] = {}
    for component in components:
        names[component] = _identifier(component, names.values())
    writer = _Writer(names)
    lines = [f"// Made by `sock schema {target} --typescript`. Do not edit.", ""]
    told = list(conversations)
    if any(one.socket is not None for one in told):
        lines += _PHOENIX.split("\n")
    for component, schema in components.items():
        lines += [*writer.declaration(names[component], schema), ""]
    for one in told:
        if one.socket is not None:
            lines += _channel(one, writer, names)
            continue
        for word, said, sent in (
            ("To", f"What a client sends to {one.name}", False),
            ("From", f"What a client gets from {one.name}", True),
        ):
            name = _identifier(f"{word}{one.name}", names.values())
            names[name] = name
            union = " | ".join(
                dict.fromkeys(writer.type_of(each.schema) for each in one.going(sent=sent))
            )
            lines += [
                *_comment(f"{said}, at {one.address}."),
                f"export type {name} = {union or 'never'};",
                "",
            ]
    return "\n".join(lines)


def _channel(one: Conversation, writer: _Writer, names: dict[str, str]) -> list[str]:
    """Return the lines that declare a channel of phoenix.js."""
    name = _identifier(f"{one.name}Channel", names.values())
    names[name] = name
    joins, *pushes = one.going(sent=False)
    lines = [
        *_comment(f"The parameters of a join of {one.address}."),
        f"export type {name}Params = {writer.type_of(joins.schema)};",
        "",
        *_comment(f"What a join of {one.address} is answered with."),
        f"export type {name}Joined = {_reply(joins, writer)};",
        "",
        *_comment(f"A channel of {one.address}: `socket.channel(…) as unknown as {name}`."),
        f'export interface {name} extends Omit<Channel, "join" | "push" | "on"> {{',
        f"  join(timeout?: number): PushOf<{name}Joined>;",
    ]
    for push in pushes:
        payload = f"payload: {writer.type_of(push.schema)}, timeout?: number"
        answer = f"PushOf<{_reply(push, writer)}>"
        lines += f"  push(event: {json.dumps(push.name)}, {payload}): {answer};".split("\n")
    for event in one.going(sent=True):
        callback = f"callback: (payload: {writer.type_of(event.schema)}) => unknown"
        lines += f"  on(event: {json.dumps(event.name)}, {callback}): number;".split("\n")
    return [*lines, "  on(event: string, callback: (payload: any) => unknown): number;", "}", ""]


def _reply(message: Message, writer: _Writer) -> str:
    return "unknown" if message.reply is None else writer.type_of(message.reply_schema)


class _Writer:
    """Writes schemas as types.

    Args:
        names: of the components, in TypeScript.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def declaration(self, name: str, schema: Schema) -> list[str]:
        """Return the lines that declare a component."""
        told = schema.get("description", "") if isinstance(schema, dict) else ""
        written = self.type_of(schema)
        if written.startswith("{\n") and written.endswith("\n}"):
            return [*_comment(told), f"export interface {name} {written}"]
        return [*_comment(told), f"export type {name} = {written};"]

    def type_of(self, schema: Any) -> str:
        """Return a schema as a type."""
        if schema is False:
            return "never"
        if not isinstance(schema, dict):
            return "unknown"
        found = cast("dict[str, Any]", schema)
        if "$ref" in found:
            return self._names[found["$ref"].removeprefix(REF)]
        if found.get("format") == "binary":
            return "ArrayBuffer"
        if "const" in found:
            return json.dumps(found["const"])
        if "enum" in found:
            return " | ".join(json.dumps(one) for one in found["enum"])
        for keyword, sign in (("anyOf", "|"), ("oneOf", "|"), ("allOf", "&")):
            if keyword in found:
                types = dict.fromkeys(self.type_of(one) for one in found[keyword])
                if len(types) == 1:
                    return next(iter(types))
                return f" {sign} ".join(map(_in_brackets, types))
        kind = found.get("type")
        if isinstance(kind, list):
            several = [self.type_of({**found, "type": one}) for one in cast("list[str]", kind)]
            return " | ".join(several)
        return self._written(kind, found)

    def _written(self, kind: Any, schema: dict[str, Any]) -> str:
        if kind == "array":
            return self._array(schema)
        if kind == "object" or "properties" in schema:
            return self._object(schema)
        return _SIMPLE.get(kind, "unknown")

    def _array(self, schema: dict[str, Any]) -> str:
        items: Any = schema.get("items", True)
        if not isinstance(items, list):
            return f"{_in_brackets(self.type_of(items))}[]"
        places = [_in_brackets(self.type_of(one)) for one in cast("list[Any]", items)]
        needed = schema.get("minItems", 0)
        places[needed:] = [f"{one}?" for one in places[needed:]]
        more = schema.get("additionalItems", True)
        if more is not False and schema.get("maxItems") != len(places):
            places.append(f"...{_in_brackets(self.type_of(more))}[]")
        return f"[{', '.join(places)}]"

    def _object(self, schema: dict[str, Any]) -> str:
        properties: dict[str, Any] = schema.get("properties", {})
        more: Any = schema.get("additionalProperties", not properties)
        if not properties:
            inside = self.type_of(more) if more is not True else "unknown"
            return f"{{ [key: string]: {inside} }}"
        required = set(schema.get("required", ()))
        lines: list[str] = []
        for name, one in properties.items():
            if isinstance(one, dict):
                lines += _comment(cast("dict[str, Any]", one).get("description", ""))
            sign = ":" if name in required else "?:"
            lines += f"{_property(name)}{sign} {self.type_of(one)};".split("\n")
        body = "\n".join(f"  {line}" for line in lines)
        return f"{{\n{body}\n}}"


def _in_brackets(written: str) -> str:
    return f"({written})" if " | " in written or " & " in written else written


def _property(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)


def _comment(text: str) -> list[str]:
    """Return the lines of a comment; none if there is nothing to say."""
    if not text:
        return []
    first, *rest = text.replace("*/", "* /").split("\n")
    if not rest:
        return [f"/** {first} */"]
    return [f"/** {first}", *(f" * {line}".rstrip() for line in rest), " */"]


def _identifier(name: str, taken: Iterable[str]) -> str:
    """Return a name that TypeScript takes and that is not taken."""
    found = name
    if not _IDENTIFIER.fullmatch(name):
        words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
        found = "".join(word[0].upper() + word[1:] for word in words) or "Message"
    # The names of TypeScript's own types, and its other words, begin with a small letter.
    found = f"_{found}" if found[0].isdigit() else found[0].upper() + found[1:]
    known = set(taken)
    number = 2
    unique = found
    while unique in known:
        unique = f"{found}{number}"
        number += 1
    return unique
