"""What a service type means: its file in presets/, over the defaults of the models."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from .declaration.invocation import InvokeTarget
from .declaration.pubsub import PubSubTopic
from .table import QUESTIONS, SECTIONS

FOLDER = Path(__file__).parents[2] / "presets"
UNTYPED = "generic"
"""The type of a service that is none of the others."""
# The same result, several times faster where it is there.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def types() -> frozenset[str]:
    """Return the service types that there are."""
    return frozenset(path.stem for path in FOLDER.glob("*.yml"))


@cache
def given(service_type: str) -> Mapping[str, object]:
    """Return the answers in the preset file of a type."""
    text = (FOLDER / f"{service_type}.yml").read_text(encoding="utf-8")
    return cast("dict[str, object]", yaml.load(text, LOADER))


def required(service_type: object) -> list[str] | None:
    """Return the features that a type can't do without, or None for what is no type."""
    if str(service_type) not in types():
        return None
    return cast("list[str]", given(str(service_type))["required_features"])


@cache
def topics(service_type: str) -> Sequence[PubSubTopic]:
    """Return the topics that the code of a type works with."""
    entries = cast("list[object]", defaults(service_type)["topics"])
    return [PubSubTopic.model_validate(entry) for entry in entries]


@cache
def targets(service_type: str) -> Sequence[InvokeTarget]:
    """Return the services that the code of a type calls."""
    entries = cast("list[object]", defaults(service_type)["targets"])
    return [InvokeTarget.model_validate(entry) for entry in entries]


@cache
def defaults(service_type: str) -> Mapping[str, object]:
    """Return the default of every question that has one, for a type."""
    return {**_model_defaults(), **given(service_type)}


@cache
def _model_defaults() -> Mapping[str, object]:
    fields = {
        key: SECTIONS[question.section].model_fields[question.field]
        for key, question in QUESTIONS.items()
    }
    return {
        key: field.get_default(call_default_factory=True)
        for key, field in fields.items()
        if not field.is_required()
    }
