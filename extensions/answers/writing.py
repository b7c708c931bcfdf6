"""The answers file: what was answered, in the order it was asked."""

from collections.abc import Mapping
from typing import cast

import yaml
from pydantic import BaseModel

from .declaration.invocation import InvokeTarget
from .declaration.pubsub import PubSubTopic
from .table import QUESTIONS

ENTRIES: Mapping[str, type[BaseModel]] = {"topics": PubSubTopic, "targets": InvokeTarget}


def with_health(features: list[str]) -> list[str]:
    """Return the features as they are kept: health is always there, said or not."""
    return list(dict.fromkeys(["health", *features]))


def answers_yaml(answers: Mapping[str, object]) -> str:
    """Return Copier's answers as YAML, Copier's own keys first."""
    ordered = {key: value for key, value in answers.items() if key.startswith("_")}
    ordered |= {key: answers[key] for key in QUESTIONS if key in answers}
    if "features" in ordered:
        ordered["features"] = with_health(cast("list[str]", ordered["features"]))
    for key, model in ENTRIES.items():
        if key in ordered:
            ordered[key] = [_in_order(entry, model) for entry in cast("list[object]", ordered[key])]
    # Not the C dumper, which writes emoji otherwise: the file must be the same everywhere.
    return yaml.dump(
        ordered, Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True, width=2**16
    )


def _in_order(entry: object, model: type[BaseModel]) -> dict[str, object]:
    """Return an entry of a list with its keys in one order, whoever wrote it."""
    entry = cast("Mapping[str, object]", entry)
    return {field: entry[field] for field in model.model_fields if field in entry}
