"""What of the topics is the user's own, and starts with a small piece of code."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from . import presets
from .catalogue import MODULES
from .declaration.pubsub import PubSubTopic

LINE_LENGTH = 100
NAME_LENGTH = 60


@dataclass(frozen=True)
class Starter:
    """A handler to begin with."""

    name: str
    """The topic."""
    event_type: str
    module: str
    """Where the model of its events is."""
    function: str


def event_types(topics: Sequence[PubSubTopic]) -> list[str]:
    """Return the models that the topics use."""
    return list(dict.fromkeys(topic.event_type for topic in topics))


def own_events(service_type: str, topics: Sequence[PubSubTopic]) -> list[str]:
    """Return the models that neither LearnFlow nor the type brings along."""
    there = MODULES.keys() | _example_events(service_type, topics)
    return [name for name in event_types(topics) if name not in there]


def starters(service_type: str, topics: Sequence[PubSubTopic]) -> list[dict[str, str]]:
    """Return a starter for each topic that is read by no handler of the type."""
    served = {topic.name for topic in presets.topics(service_type) if topic.subscribe}
    examples = _example_events(service_type, topics)
    found: dict[str, Starter] = {}
    for topic in topics:
        if topic.subscribe and topic.name not in served:
            function = _unused(re.sub(r"[.-]", "_", topic.name)[:NAME_LENGTH].rstrip("_"), found)
            module = _module(topic.event_type, service_type, examples)
            found[function] = Starter(topic.name, topic.event_type, module, function)
    return [asdict(starter) for starter in found.values()]


def imports(topics: Sequence[Mapping[str, str]]) -> str:
    """Return the imports of starter handlers as a formatter would leave them."""
    names: dict[str, set[str]] = {"app.services.pubsub": {"on"}}
    for topic in topics:
        names.setdefault(topic["module"], set()).add(topic["event_type"])
    return "\n".join(_import(module, names[module]) for module in sorted(names))


def _import(module: str, names: set[str]) -> str:
    ordered = sorted(names, key=_natural)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= LINE_LENGTH:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"


def _natural(name: str) -> tuple[bool, list[tuple[int, str]], str]:
    """Sort as isort does: capitals first, then without regard to case, numbers by their value."""
    constant = len(name) > 1 and name.isupper()
    parts = re.findall(r"\d+|\D+", name.lower())
    numbered = [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
    return not constant, numbered, name


def _example_events(service_type: str, topics: Sequence[PubSubTopic]) -> set[str]:
    """The type's example has models of its own; they come with its topic and go with it."""
    names = {topic.name for topic in topics}
    examples = {topic.event_type for topic in presets.topics(service_type) if topic.name in names}
    return examples - MODULES.keys()


def _module(event_type: str, service_type: str, examples: set[str]) -> str:
    if event_type in MODULES:
        return f"app.contracts.{MODULES[event_type]}"
    return f"app.models.{service_type.replace('-', '_') if event_type in examples else 'events'}"


def _unused(name: str, taken: Mapping[str, object]) -> str:
    # `a.b-c` and `a-b.c` are two topics and one name.
    number = 2
    unused = name
    while unused in taken:
        unused, number = f"{name}_{number}", number + 1
    return unused
