"""Answers: the same for the same question, of the shape asked for, about what was asked."""

import re
from collections.abc import Mapping
from random import Random
from typing import Any

Schema = Mapping[str, Any]

DEEP = 5
"""Below this depth only what must be there is there: schemas can contain themselves."""

FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "student@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def tokens(text: str) -> list[str]:
    """Split a text the way that its length is counted: words and signs, with the space before."""
    return re.findall(r"\s*(?:\w+|[^\w\s])|\s+$", text)


class Author:
    """Writes one answer."""

    def __init__(self, question: str, seed: str) -> None:
        first = re.split(r"(?<=[.?!])\s", " ".join(question.split()))[0]
        self._subject = first[:120] or "nothing"
        self._dice = Random(seed)
        self._definitions: Schema = {}

    def text(self) -> str:
        """Return an answer in prose."""
        advice = ["Try a small example first.", "Read it line by line.", "Change one thing."]
        return f"You asked: “{self._subject}” {self._dice.choice(advice)}"

    def fill(self, schema: Schema) -> Any:
        """Return a document that is valid for a JSON schema."""
        self._definitions = schema.get("$defs", {})
        return self._value(schema, "answer", 0)

    def _value(self, schema: Schema, name: str, depth: int) -> Any:
        if reference := schema.get("$ref"):
            return self._value(self._definitions[reference.rpartition("/")[2]], name, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._dice.choice(schema["enum"])
        if options := schema.get("anyOf") or schema.get("oneOf"):
            null = [option for option in options if option.get("type") == "null"]
            some = [option for option in options if option.get("type") != "null"]
            return self._value((null if null and depth > DEEP else some or null)[0], name, depth)
        if parts := schema.get("allOf"):
            return self._value({**schema, "allOf": None, **parts[0]}, name, depth)
        match _kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer":
                return int(self._number(schema, whole=True))
            case "number":
                return self._number(schema, whole=False)
            case "boolean":
                return self._dice.random() < 0.5
            case "null":
                return None
            case _:
                return self._string(schema, name)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        fields: Schema = schema.get("properties", {})
        if depth > DEEP:
            fields = {name: fields[name] for name in schema.get("required", [])}
        document = {name: self._value(field, name, depth + 1) for name, field in fields.items()}
        free: Schema | bool = schema.get("additionalProperties", False)
        for number in range(schema.get("minProperties", 1) if free and not fields else 0):
            item: Schema = {} if isinstance(free, bool) else free
            document[f"item {number + 1}"] = self._value(item, "item", depth + 1)
        return document

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        if fixed := schema.get("prefixItems"):
            return [self._value(item, name, depth + 1) for item in fixed]
        least = schema.get("minItems", 0)
        count = least if depth > DEEP else max(least, min(2, schema.get("maxItems", 2)))
        items = schema.get("items", {})
        return [self._value(items, f"{name} {number + 1}", depth + 1) for number in range(count)]

    def _number(self, schema: Schema, *, whole: bool) -> float:
        step = schema.get("multipleOf") or (1 if whole else 0.01)
        low, high = schema.get("minimum"), schema.get("maximum")
        if low is None:
            low = schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None
        if high is None:
            high = schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None
        if low is None:
            low = 0 if high is None or high >= 0 else high - 10 * step
        if high is None:
            high = low + 10 * step
        first, last = -(-low // step), high // step
        return round(self._dice.randint(int(first), max(int(first), int(last))) * step, 6)

    def _string(self, schema: Schema, name: str) -> str:
        if found := FORMATS.get(schema.get("format", "")):
            return found
        text = f"{name.replace('_', ' ').capitalize()}: {self._subject}"
        if re.search("code|example|solution|program", name):
            text = f"print({text!r})"
        return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _kind(schema: Schema) -> str:
    kinds: str | list[str] = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kinds, str):
        return kinds
    return next((kind for kind in kinds if kind != "null"), "null")
