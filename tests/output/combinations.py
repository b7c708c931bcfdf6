"""The combinations of answers that are tried: presets, single toggles, and a pairwise set."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from tests.output.covering import OFF, Row, covering
from tests.rendering import PRESETS, ROOT

FEATURES = ("pubsub", "state", "invocation", "agent")
LEARNFLOW = ("triage", "concepts", "code-review", "debug", "exercise", "progress")
ON, NOT = "on", "off"

OWN = [
    {"name": "orders.created", "subscribe": True, "publish": False, "event_type": "OrderCreated"},
    {"name": "orders.sent", "subscribe": False, "publish": True, "event_type": "OrderSent"},
]
CATALOGUE = [
    {
        "name": "learning.query",
        "subscribe": True,
        "publish": False,
        "event_type": "LearningQueryEvent",
    },
    {
        "name": "exercise.graded",
        "subscribe": False,
        "publish": True,
        "event_type": "ExerciseGradedEvent",
    },
]
ALERTS = [
    {
        "name": "struggle.alert",
        "subscribe": True,
        "publish": False,
        "event_type": "StruggleAlertEvent",
    },
]
TARGETS: Mapping[str, list[dict[str, Any]]] = {
    "none": [],
    "some": [
        {"app_id": "orders", "methods": ["v1/orders", "cancel.order"], "timeout_ms": 1},
        {"app_id": "mail-2", "methods": ["send"], "timeout_ms": 600_000},
    ],
}
AWKWARD = (
    'It\'s "a: b" \\ # 🎓 {{ 7 * 7 }} {% raw %} ${{ x }} $HOME %(y)s\n\n- [next, {line}] & *more'
)
LONG = "ä-b c" * 100
VALUES: Mapping[str, tuple[object, ...]] = {
    "service_name": ("x", "a1" * 11 + "-" + "b" * 23),
    "description": (AWKWARD, LONG),
    "version": ("1.2.3-rc.1", "0.0.0"),
    "python_version": ("3.11", "3.12", "3.13", "3.14"),
    "port": (1024, 65535),
    "pubsub_component": ("kafka-pubsub", "events"),
    "consumer_group": ("learning-services", "Team_a.1"),
    "state_component": ("state-store", "store"),
    "state_backend": ("redis", "postgresql"),
    "key_prefix": ("", "a:b.c"),
    "ttl_seconds": ("null", 60),
    "use_etag": (True, False),
    "default_timeout_ms": (1, 600_000),
    "max_retries": (0, 10),
    "model": ("gpt-4.1-mini", "vendor/model:1@x+y"),
    "temperature": (0, 2),
    "max_tokens": (500, 1_000_000),
    "system_prompt_template": ('Say "hi" to {name}: {{ 1 }} # 🎓', "Two\nlines\n"),
    "context_key": ("conversation:{session_id}", "{session_id}"),
    "max_history": (1, 10_000),
}
"""Answers that are tried beside those of the presets; `null` stands for none."""

SECTIONS = {
    **dict.fromkeys(("pubsub_component", "consumer_group", "topics"), "pubsub"),
    **dict.fromkeys(
        ("state_component", "state_backend", "key_prefix", "ttl_seconds", "use_etag"), "state"
    ),
    **dict.fromkeys(("targets", "default_timeout_ms", "max_retries"), "invocation"),
    **dict.fromkeys(
        (
            *("model", "temperature", "max_tokens"),
            *("system_prompt_template", "context_key", "max_history"),
        ),
        "agent",
    ),
}
"""The feature that an answer belongs to."""

PARAMETERS: Mapping[str, tuple[object, ...]] = {
    "service_type": tuple(PRESETS),
    **dict.fromkeys(FEATURES, (ON, NOT)),
    "topics": (OFF, "none", "own", "preset", "more"),
    "targets": (OFF, *TARGETS),
    **{key: (OFF, *values) if key in SECTIONS else values for key, values in VALUES.items()},
}


@dataclass(frozen=True)
class Combination:
    """Answers to render a service from, and a name for them."""

    name: str
    service_type: str
    features: frozenset[str]
    answers: Mapping[str, object] = field(compare=False)

    @property
    def python_version(self) -> str:
        """The Python that the service is built for."""
        answers = {**preset(self.service_type), **self.answers}
        return str(answers["python_version"])


@cache
def preset(service_type: str) -> Mapping[str, Any]:
    """Return the answers in a preset."""
    return yaml.safe_load((ROOT / "presets" / f"{service_type}.yml").read_text())


def features_of(service_type: str) -> frozenset[str]:
    """Return what a preset has, health aside."""
    return frozenset(preset(service_type)["features"]) - {"health"}


def toggled() -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each type with each feature toggled that it can do without, and one with none at all.

    An agent brings state along.
    """
    yield "generic", frozenset()
    for service_type in PRESETS:
        for feature in FEATURES:
            if feature not in preset(service_type)["required_features"]:
                features = features_of(service_type) ^ {feature}
                yield service_type, features | {"state"} if "agent" in features else features


def possible(row: Row) -> bool:
    """Whether a type can have these features, and an answer its question."""
    service_type = row.get("service_type")
    if service_type:
        required = preset(str(service_type))["required_features"]
        if any(row.get(feature) == NOT for feature in required):
            return False
    if row.get("agent") == ON and row.get("state") == NOT:
        return False
    asked = {key: row[key] != OFF for key in SECTIONS if key in row}
    return all(_can_be(row, SECTIONS[key], there) for key, there in asked.items()) and (
        "topics" not in row or _can_have(row)
    )


def _can_be(row: Row, feature: str, asked: bool) -> bool:
    """Whether a feature can be there, where its answers are; it is never off just to skip them."""
    if asked:
        agent_without_state = feature == "agent" and row.get("state") == NOT
        return row.get(feature) != NOT and not agent_without_state
    return row.get(feature) == NOT


def _can_have(row: Row) -> bool:
    """Whether the topics suit the type: LearnFlow's are given, an example may be left out."""
    service_type, topics = row.get("service_type"), row["topics"]
    if topics in {"preset", "more"} and row.get("state") == NOT:
        return False  # the types that have topics of their own need state
    if service_type is None or topics == OFF:
        return True
    if service_type in LEARNFLOW:
        return topics in {"preset", "more"}
    return topics not in {"preset", "more"} or service_type == "event-processor"


@cache
def rows() -> tuple[Row, ...]:
    """Return the pairwise set: the presets as they are, their single toggles, and what it takes."""
    plain = [_of_preset(service_type) for service_type in PRESETS]
    single = [
        {"service_type": service_type, **_switches(features)}
        for service_type, features in toggled()
    ]
    return tuple(covering(PARAMETERS, possible, [*plain, *single]))


def _switches(features: frozenset[str]) -> dict[str, str]:
    return {feature: ON if feature in features else NOT for feature in FEATURES}


def _of_preset(service_type: str) -> Row:
    """Return a preset as a row; an answer of its own is none of the values that are paired."""
    answers = preset(service_type)
    row: dict[str, object] = {"service_type": service_type, **_switches(features_of(service_type))}
    for name in [name for name in PARAMETERS if name not in row]:
        value = "null" if name in answers and answers[name] is None else answers.get(name)
        row[name] = value if value in VALUES.get(name, ()) else OFF
    if "targets" in answers and not answers["targets"]:
        row["targets"] = "none"
    if "topics" in answers:
        row["topics"] = "preset" if answers["topics"] else "none"
    return row


@cache
def combinations() -> tuple[Combination, ...]:
    """Return all combinations: the presets as they are first, then the others."""
    plain = [Combination(name, name, features_of(name), {}) for name in PRESETS]
    others = enumerate(rows()[len(plain) :], 1)
    return (*plain, *(_combination(number, row) for number, row in others))


def _combination(number: int, row: Row) -> Combination:
    service_type = str(row["service_type"])
    features = [feature for feature in FEATURES if row[feature] == ON]
    answers = {
        key: None if row[key] == "null" else row[key] for key in VALUES if row[key] is not OFF
    }
    if row["topics"] is not OFF:
        answers["topics"] = _topics(service_type, str(row["topics"]))
    if row["targets"] is not OFF:
        own = preset(service_type).get("targets", [])  # triage can't do without
        answers["targets"] = [*own, *TARGETS[str(row["targets"])]]
    name = f"{number:02}-{'-'.join([service_type, *features])}"
    return Combination(name, service_type, frozenset(features), {**answers, "features": features})


def _topics(service_type: str, choice: str) -> list[dict[str, Any]]:
    own = list(preset(service_type).get("topics", []))
    more = ALERTS if service_type in LEARNFLOW else OWN
    if service_type == "progress":
        more = []
    return {
        "none": [],
        "own": [*OWN, *CATALOGUE],
        "preset": own,
        "more": [*own, *more],
    }[choice]
