"""Checks answers: each by the rule of its field, then all together."""

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from . import presets
from .casting import read
from .declaration.invocation import InvokeTarget
from .declaration.pubsub import PubSubTopic
from .known import Known, Problem
from .rules import broken
from .table import COMPUTED, QUESTIONS, RETIRED, SECTIONS, is_on, keys_of
from .telling import mistakes, shown

M = TypeVar("M", bound=BaseModel)


def problems(raw: Mapping[str, object], *, complete: bool) -> list[Problem]:
    """Return what is wrong with answers that may still be text, in the order of the questions.

    Args:
        complete: whether these are all; if not, what is missing is still to be asked.
    """
    answers = read(raw)
    found = [*_unknown(raw)]
    for section in SECTIONS:
        found += _of_section(section, answers, complete and is_on(section, answers))
    found += broken(_known(answers, {problem.key for problem in found}))
    order = {key: place for place, key in enumerate(QUESTIONS)}
    return sorted(found, key=lambda problem: order.get(problem.key, -1))


def _unknown(raw: Mapping[str, object]) -> Iterator[Problem]:
    for key, value in raw.items():
        if key in COMPUTED:
            wanted = presets.required(raw.get("service_type"))
            if wanted is not None and value not in (wanted, str(wanted)):
                yield Problem(
                    key, (), f"{shown(value)} is not asked for: use {wanted}, or nothing."
                )
        elif key not in QUESTIONS and key not in RETIRED:
            near = difflib.get_close_matches(key, QUESTIONS, 1, cutoff=0)
            text = (
                f"{shown(value)} answers no question: use one of theirs, for example {near[0]!r}."
            )
            yield Problem(key, (), text)


def _of_section(section: str, answers: Mapping[str, object], complete: bool) -> Iterator[Problem]:
    keys = {QUESTIONS[key].field: key for key in keys_of(section)}
    data = {field: answers[key] for field, key in keys.items() if key in answers}
    # A model has no default: where nobody needs one, Copier's answer is empty.
    if data.get("model") == "" and not is_on("agent", answers):
        del data["model"]
    try:
        SECTIONS[section].model_validate(data)
    except ValidationError as error:
        for path, text in mistakes(error, SECTIONS[section]):
            field = str(path[0])
            if field == "model" and not data.get(field):
                text = "agent needs a model, for example 'gpt-4.1-mini'."
            if field in data or complete:
                yield Problem(keys[field], path[1:], text)


def _known(answers: Mapping[str, object], wrong: set[str]) -> Known:
    """Leave out what is wrong by itself, and what belongs to a feature that is off."""
    there = {
        key: value
        for key, value in answers.items()
        if "features" not in answers or is_on(QUESTIONS[key].section, answers)
    }
    right = {key: value for key, value in there.items() if key not in wrong}
    return Known(
        service_type=cast("str | None", right.get("service_type")),
        service_name=cast("str | None", right.get("service_name")),
        python_version=cast("str | None", right.get("python_version")),
        port=cast("int | None", right.get("port")),
        features=cast("list[str] | None", right.get("features")),
        topics=_entries(PubSubTopic, there.get("topics")),
        targets=_entries(InvokeTarget, there.get("targets")),
        components={
            key: str(right[key]) for key in ("pubsub_component", "state_component") if key in right
        },
    )


def _entries(model: type[M], entries: object) -> Mapping[int, M] | None:
    if not isinstance(entries, list):
        return None
    found: dict[int, M] = {}
    for place, entry in enumerate(cast("list[object]", entries)):
        try:
            found[place] = model.model_validate(entry)
        except ValidationError:
            continue
    return found
