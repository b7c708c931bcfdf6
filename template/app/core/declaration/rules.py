"""Rules: what a value must be, said in one way wherever it is wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

SHAPES = {
    "list_type": "is no list: write [a, b], or one entry a line after a hyphen",
    "too_short": "is empty: name at least one",
    "model_type": "is no mapping: write {key: value}",
    "dict_type": "is no mapping: write {key: value}",
}


@dataclass(frozen=True)
class Rule:
    """Put last in `Annotated`: any mistake in the value becomes one sentence with a right value."""

    what: str
    """What the value is, after "is no …"."""
    use: str
    example: object

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Wrap what stands before it in `Annotated`."""
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: object, inner: core_schema.ValidatorFunctionWrapHandler) -> object:
        # True is an int to Python; to a person it is not.
        if isinstance(value, bool) and not isinstance(self.example, bool):
            raise self.mistake(value)
        try:
            return inner(value)
        except ValidationError:
            raise self.mistake(value) from None

    def mistake(self, value: object) -> PydanticCustomError:
        """Return the error that tells what is wrong with `value`."""
        return mistake(f"{shown(value)} is no {self.what}: {self.advice}")

    @property
    def advice(self) -> str:
        """What would be right."""
        example = str(self.example).lower() if self.example is True else repr(self.example)
        return f"use {self.use}, for example {example}."


class Section(BaseModel):
    """Base of the models of `service.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    section: ClassVar[str] = ""
    """Its top-level name in `service.yaml`."""


def mistake(text: str) -> PydanticCustomError:
    """Return an error for a validator to raise; `text` is told as it is."""
    return PydanticCustomError("mistake", "{text}", {"text": text})


def shown(value: object) -> str:
    """Return `value` as a message shows it: quoted, and not longer than half a line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}…{text[-10:]}"


def located(path: Sequence[int | str]) -> str:
    """Return a path as people write it: `topics[1].name`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def problems(
    error: ValidationError, model: type[BaseModel]
) -> Iterator[tuple[Sequence[int | str], str]]:
    """Yield path and text for each mistake that validating as `model` has found."""
    for detail in error.errors(include_url=False):
        yield detail["loc"], _told(detail, model)


def _told(detail: ErrorDetails, model: type[BaseModel]) -> str:
    *path, last = detail["loc"] or ("",)
    owner = _model_at(model, path)
    if detail["type"] == "missing":
        rule = _rule_of(owner.model_fields.get(str(last)))
        return f"is missing: {rule.advice}" if rule else "is missing."
    if detail["type"] == "extra_forbidden":
        return f"{shown(detail['input'])} has no place here: use {', '.join(owner.model_fields)}."
    if detail["type"] == "mistake":
        return detail["msg"]
    return f"{shown(detail['input'])} {SHAPES.get(detail['type'], 'is wrong')}."


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


def _rule_of(field: FieldInfo | None) -> Rule | None:
    return (
        next((item for item in field.metadata if isinstance(item, Rule)), None) if field else None
    )
