"""Rules for topics: LearnFlow's are those of the catalogue; all others are the user's own."""

import builtins
import difflib
import keyword
from collections.abc import Iterator, Mapping, Sequence

from . import presets
from .catalogue import DEAD_LETTERS, LEARNFLOW, MODULES, TOPICS
from .declaration.pubsub import PubSubTopic
from .known import Known, Problem

TAKEN = frozenset(dir(builtins)) | {"BaseModel", "ConfigDict", "CounterDep", "ErrorEvent", "Event"}
"""Names that a model of one's own can't have: its module, or that of its handler, uses them."""
USES = {"subscribe": "reads", "publish": "writes"}


def topic_problems(known: Known) -> Iterator[Problem]:
    """Yield what is wrong with the topics."""
    if known.topics is None:
        return
    learnflow = known.service_type in LEARNFLOW
    for place, topic in known.topics.items():
        yield from _of_one(place, topic, learnflow)
    if known.service_type in presets.types():
        own = presets.topics(str(known.service_type))
        yield from _of_the_type(str(known.service_type), own, known.topics)
        if learnflow:
            yield from _missing(str(known.service_type), own, known.topics)


def _of_one(place: int, topic: PubSubTopic, learnflow: bool) -> Iterator[Problem]:
    wanted = TOPICS.get(topic.name)
    name, event_type = (place, "name"), (place, "event_type")
    if topic.name == DEAD_LETTERS and not learnflow:
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
    elif topic.event_type in TAKEN or keyword.iskeyword(topic.event_type):
        text = (
            f"{topic.event_type!r} is a name that Python or the service uses: "
            f"use another, for example '{topic.event_type}Event'."
        )
        yield Problem("topics", event_type, text)


def _of_the_type(
    service_type: str, own: Sequence[PubSubTopic], topics: Mapping[int, PubSubTopic]
) -> Iterator[Problem]:
    """Yield what the type's own code would not work with."""
    needed = {topic.name: topic for topic in own}
    for place, topic in topics.items():
        if topic.name not in needed:
            continue
        for flag, verb in USES.items():
            if getattr(needed[topic.name], flag) and not getattr(topic, flag):
                text = f"False is wrong: {service_type} {verb} {topic.name!r}: use true."
                yield Problem("topics", (place, flag), text)
        wanted = needed[topic.name].event_type
        if topic.name not in TOPICS and topic.event_type != wanted:
            text = f"{topic.event_type!r} is not the model of {topic.name}: use {wanted!r}."
            yield Problem("topics", (place, "event_type"), text)


def _missing(
    service_type: str, own: Sequence[PubSubTopic], topics: Mapping[int, PubSubTopic]
) -> Iterator[Problem]:
    """Yield what LearnFlow's fleet relies on; an example may lose its topic."""
    names = {topic.name for topic in topics.values()}
    for topic in own:
        if topic.name not in names:
            flags = ", ".join(f"{flag}: true" for flag in USES if getattr(topic, flag))
            text = (
                f"{topic.name!r} is missing, and {service_type} can't do without it: "
                f"add {{name: {topic.name}, {flags}, event_type: {topic.event_type}}}."
            )
            yield Problem("topics", (), text)
