"""Rules across answers: what single fields can't know. Each looks at the answers it finds."""

import difflib
import keyword
from collections.abc import Callable, Iterator, Mapping, Sequence

from . import presets
from .advice import advice_for
from .catalogue import LEARNFLOW, SHARED_STORE
from .known import Known, Problem
from .packages import MODULES, PACKAGES, SOFT_KEYWORDS
from .table import FEATURES, PYTHON_VERSIONS, QUESTIONS
from .telling import shown
from .topics import topic_problems

YAML_WORDS = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})
"""Names that a manifest without quotes would turn into something else."""
PORTS: Mapping[int, tuple[str, frozenset[str]]] = {
    **dict.fromkeys(
        (3500, 3501, 9090, 50001, 50002),
        ("a port of the Dapr sidecar", frozenset({"pubsub", "state", "invocation", "agent"})),
    ),
    9092: ("Kafka's port in docker-compose.yml", frozenset({"pubsub"})),
    6379: ("Redis' port in docker-compose.yml", frozenset({"state"})),
}
"""Ports that are taken beside a service, by what, and with which of the features."""
REASONS: Mapping[str, str] = {
    "pubsub": "its work arrives as events",
    "state": "what it keeps lives in the state store",
    "agent": "its answers come from a language model",
}


def broken(known: Known) -> Iterator[Problem]:
    """Yield what does not fit together in `known`."""
    for rule in RULES:
        yield from rule(known)


def _choices(known: Known) -> Iterator[Problem]:
    if known.service_type and known.service_type not in presets.types():
        yield _no_choice("service_type", (), known.service_type, sorted(presets.types()))
    if known.python_version and known.python_version not in PYTHON_VERSIONS:
        yield _no_choice("python_version", (), known.python_version, PYTHON_VERSIONS)
    for number, feature in enumerate(known.features or ()):
        if feature not in FEATURES:
            yield _no_choice("features", (number,), feature, FEATURES)


def _no_choice(key: str, path: Sequence[int | str], given: str, choices: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(given, choices, 1)
    hint = f", for example {near[0]!r}" if near else ""
    text = f"{shown(given)} is no choice: use one of {', '.join(choices)}{hint}."
    return Problem(key, path, text)


def _names(known: Known) -> Iterator[Problem]:
    name = known.service_name
    if name is None:
        return
    example = f"{name}-service"
    if name == "dapr" or name.startswith("dapr-"):
        example = "orders-service"
        reason = "names that begin with 'dapr-' are Dapr's own"
    elif keyword.iskeyword(name) or name in SOFT_KEYWORDS:
        reason = "it is a word of Python"
    elif name.replace("-", "_") in MODULES:
        reason = "it is a module of Python's standard library"
    elif name in PACKAGES:
        reason = "it is the name of a package that the service uses"
    else:
        return
    text = f"{name!r} is reserved: {reason}: use another name, for example {example!r}."
    yield Problem("service_name", (), text)


def _port(known: Known) -> Iterator[Problem]:
    what, features = PORTS.get(known.port or 0, ("", frozenset[str]()))
    if features.intersection(known.features or ()):
        text = f"{known.port} is {what}: use another, for example 8000."
        yield Problem("port", (), text)


def _features(known: Known) -> Iterator[Problem]:
    if known.features is None:
        return
    features = set(known.features)
    required = presets.required(known.service_type) or []
    if "agent" in features and not features.union(required).issuperset({"state"}):
        text = (
            "agent needs state, where its conversations are kept: "
            "add it, for example [state, agent]."
        )
        yield Problem("features", (), text)
    wanted = [name for name in FEATURES if name in {*features, *required}]
    for feature in required:
        if feature not in features:
            text = (
                f"{known.service_type} can't do without {feature}: {REASONS[feature]}: "
                f"add it, for example [{', '.join(wanted)}]."
            )
            yield Problem("features", (), text)


def _yaml_words(known: Known) -> Iterator[Problem]:
    names: dict[tuple[str, tuple[int | str, ...]], str | None] = {
        ("service_name", ()): known.service_name
    }
    names |= {(key, ()): name for key, name in known.components.items()}
    names |= {
        ("targets", (place, "app_id")): target.app_id
        for place, target in (known.targets or {}).items()
    }
    for (key, path), name in names.items():
        if name and name in YAML_WORDS:
            question = QUESTIONS[key]
            advice = advice_for(question.section, (question.field, *path))
            assert advice, "every name has its advice"
            text = f"{name!r} is no {advice.what}, it is a word of YAML: {advice}"
            yield Problem(key, path, text)


def _targets(known: Known) -> Iterator[Problem]:
    yield from _once_each(
        "targets",
        [target.app_id for target in (known.targets or {}).values()],
        "a service, for example with 'methods: [review_code, explain_review]'",
    )
    for place, target in (known.targets or {}).items():
        if target.app_id == known.service_name:
            other = "debug-service" if target.app_id == "progress-service" else "progress-service"
            text = (
                f"{target.app_id!r} is this service itself: call another one, "
                f"for example {other!r}, or the function."
            )
            yield Problem("targets", (place, "app_id"), text)


def _targets_called(known: Known) -> Iterator[Problem]:
    """Yield what the code of a LearnFlow type calls and the answers leave out."""
    if known.targets is None or known.service_type not in LEARNFLOW:
        return
    there = {target.app_id: (place, target) for place, target in known.targets.items()}
    for own in presets.targets(known.service_type):
        place, target = there.get(own.app_id, (None, None))
        missing = [name for name in own.methods if not target or name not in target.methods]
        if missing and place is None:
            entry = f"{{app_id: {own.app_id}, methods: [{', '.join(own.methods)}]}}"
            text = f"{own.app_id!r} is missing, and {known.service_type} calls it: add {entry}."
            yield Problem("targets", (), text)
        elif missing and place is not None:
            named = ", ".join(map(repr, missing))
            text = f"{named} is missing, and {known.service_type} calls it: add {named}."
            yield Problem("targets", (place, "methods"), text)


def _topics_once(known: Known) -> Iterator[Problem]:
    yield from _once_each(
        "topics",
        [topic.name for topic in (known.topics or {}).values()],
        "a topic, for example with 'subscribe: true, publish: true'",
    )


def _once_each(key: str, names: Sequence[str], advice: str) -> Iterator[Problem]:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        listed = ", ".join(map(repr, twice))
        yield Problem(key, (), f"{listed} stands there more than once: keep one entry {advice}.")


def _components(known: Known) -> Iterator[Problem]:
    taken = {SHARED_STORE: "the store that LearnFlow's services share"}
    if known.service_type not in LEARNFLOW:
        taken.clear()
    for key, name in known.components.items():
        if name in taken:
            other = f"{name[:61].rstrip('-')}-2"
            text = f"{name!r} is {taken[name]}: use another name, for example '{other}'."
            yield Problem(key, (), text)
        taken[name] = f"the name of {key} already"


RULES: Sequence[Callable[[Known], Iterator[Problem]]] = (
    _choices,
    _names,
    _yaml_words,
    _port,
    _features,
    _topics_once,
    topic_problems,
    _targets,
    _targets_called,
    _components,
)
