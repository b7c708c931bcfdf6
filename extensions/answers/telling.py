"""Says what a model finds wrong: the value, what it is not, and what would be right."""

from collections.abc import Iterator, Sequence
from typing import cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .advice import advice_for
from .declaration import Section

SHAPES = {
    "list_type": "is no list: write [a, b], or one entry a line after a hyphen",
    "too_short": "is empty: name at least one",
    "model_type": "is no mapping: write {key: value}",
}


def shown(value: object) -> str:
    """Return `value` as a message shows it: quoted, and not longer than half a line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}…{text[-10:]}"


def located(path: Sequence[int | str]) -> str:
    """Return a path as people write it: `topics[1].name`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def mistakes(
    error: ValidationError, model: type[Section]
) -> Iterator[tuple[Sequence[int | str], str]]:
    """Yield path and text for each mistake that validating as `model` has found."""
    for detail in error.errors(include_url=False):
        yield detail["loc"], _told(detail, model)


def _told(detail: ErrorDetails, model: type[Section]) -> str:
    given, path = cast("object", detail["input"]), detail["loc"]
    if detail["type"] == "value_error":
        name = cast("dict[str, object]", given)["name"]
        return f"{name!r} is neither read nor written: add one, for example 'subscribe: true'."
    value = shown(given)
    advice = advice_for(model.section, path)
    if detail["type"] == "missing":
        return f"is missing: {advice or 'add it.'}"
    if detail["type"] == "extra_forbidden":
        return f"{value} has no place here: use {', '.join(_model_at(model, path).model_fields)}."
    if advice:
        return f"{value} is no {advice.what}: {advice}"
    return f"{value} {SHAPES.get(detail['type'], 'is wrong')}."


def _model_at(model: type[BaseModel], path: Sequence[int | str]) -> type[BaseModel]:
    for part in path:
        if isinstance(part, str) and (field := model.model_fields.get(part)):
            model = next(_models_in(field.annotation), model)
    return model


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
