"""Rules for topics: LearnFlow's are those of the catalogue; all others are the user's own."""

import builtins
import difflib
from collections.abc import Iterator, Mapping
from typing import cast

from . import presets
from .catalogue import DEAD_LETTERS, LEARNFLOW, MODULES, TOPICS
from .declaration.pubsub import PubSubTopic
from .known import Known, Problem

TAKEN = frozenset(dir(builtins)) | {"BaseModel", "ConfigDict", "ErrorEvent", "Event"}
"""Names that a model of one's own can't have: its module uses them."""


def topic_problems(known: Known) -> Iterator[Problem]:
    """Yield what is wrong with the topics."""
    if known.topics is None:
        return
    for place, topic in known.topics.items():
        yield from _of_one(place, topic, known.service_type in LEARNFLOW)
    if known.service_type in LEARNFLOW:
        yield from _needed(str(known.service_type), known.topics)


def _of_one(place: int, topic: PubSubTopic, learnflow: bool) -> Iterator[Problem]:
    wanted = TOPICS.get(topic.name)
    name, event_type = (place, "name"), (place, "event_type")
    if topic.name == DEAD_LETTERS:
        text = f"{topic.name!r} is there by itself: use another name, for example 'orders.failed'."
        yield Problem("topics", name, text)
    elif learnflow and wanted is None:
        near = difflib.get_close_matches(topic.name, TOPICS, 1, cutoff=0) or sorted(TOPICS)
        text = (
            f"{topic.name!r} is no topic of LearnFlow: use one of those, for example {near[0]!r}."
        )
        yield Problem("topics", name, text)
    elif wanted and topic.event_type != wanted and (learnflow or topic.event_type in MODULES):
        known = "is not the model of" if topic.event_type in MODULES else "is no model for"
        text = f"{topic.event_type!r} {known} {topic.name}: use {wanted!r}."
        yield Problem("topics", event_type, text)
    elif topic.event_type in TAKEN:
        text = (
            f"{topic.event_type!r} is a name that Python or the service uses: "
            f"use another, for example '{topic.event_type}Event'."
        )
        yield Problem("topics", event_type, text)


def _needed(service_type: str, topics: Mapping[int, PubSubTopic]) -> Iterator[Problem]:
    """The code of a LearnFlow type reads and writes its own topics: they can't be left out."""
    places = {topic.name: place for place, topic in topics.items()}
    for entry in cast("list[object]", presets.given(service_type)["topics"]):
        own = PubSubTopic.model_validate(entry)
        if own.name not in places:
            flags = ", ".join(
                f"{flag}: true" for flag in ("subscribe", "publish") if getattr(own, flag)
            )
            text = (
                f"{own.name!r} is missing, and {service_type} can't do without it: "
                f"add {{name: {own.name}, {flags}, event_type: {own.event_type}}}."
            )
            yield Problem("topics", (), text)
            continue
        place = places[own.name]
        for flag, verb in (("subscribe", "reads"), ("publish", "writes")):
            if getattr(own, flag) and not getattr(topics[place], flag):
                text = f"False is wrong: {service_type} {verb} {own.name!r}: use true."
                yield Problem("topics", (place, flag), text)
