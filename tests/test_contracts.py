"""Topics, models, presets and handlers say the same; keys live as long as they should."""

import importlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import pytest
import yaml
from pydantic import BaseModel

from app.contracts import keys
from app.contracts.event import Event
from app.core.key import Key
from app.services.pubsub import Subscription
from extensions.answers.catalogue import MODULES, TOPICS

ROOT = Path(__file__).parents[1]
LEARNFLOW = ("triage", "concepts", "code-review", "debug", "exercise", "progress")
DAY = 24 * 3600


class Topic(NamedTuple):
    """A line of the topic catalogue; who takes it from clients over HTTP publishes it, too."""

    event: str
    published_by: set[str]
    read_by: set[str]


CATALOGUE = {
    "learning.query": Topic("LearningQueryEvent", {"triage"}, {"triage", "progress"}),
    "learning.routed": Topic("LearningQueryEvent", {"triage"}, {"progress"}),
    "learning.concept-request": Topic("ConceptRequestEvent", {"triage"}, {"concepts"}),
    "learning.concept-response": Topic("ConceptResponseEvent", {"concepts"}, {"progress"}),
    "code.review-request": Topic(
        "CodeReviewRequestEvent", {"triage", "code-review"}, {"code-review"}
    ),
    "code.review-feedback": Topic("CodeFeedbackEvent", {"code-review"}, {"progress"}),
    "code.error-request": Topic("ErrorRequestEvent", {"triage", "debug"}, {"debug", "progress"}),
    "code.error-hint": Topic("ErrorHintEvent", {"debug"}, {"progress"}),
    "exercise.request": Topic("ExerciseRequestEvent", {"triage", "exercise"}, {"exercise"}),
    "exercise.response": Topic("ExerciseResponseEvent", {"exercise"}, {"progress"}),
    "exercise.submission": Topic("ExerciseSubmissionEvent", {"exercise"}, {"exercise"}),
    "exercise.graded": Topic("ExerciseGradedEvent", {"exercise"}, {"progress"}),
    "struggle.alert": Topic("StruggleAlertEvent", {"progress"}, set()),  # read by teachers
    "learning.events": Topic("StudentProgress", {"exercise", "code-review"}, {"progress"}),
}

REQUIRED = {
    "LearningQueryEvent": "user_id query",
    "ConceptRequestEvent": "user_id concept",
    "ConceptResponseEvent": "request_id concept explanation examples",
    "CodeReviewRequestEvent": "user_id code",
    "CodeFeedbackEvent": "request_id overall_score issues suggestions",
    "ErrorRequestEvent": "user_id error_message",
    "ErrorHintEvent": "request_id hint",
    "ExerciseRequestEvent": "user_id topic",
    "ExerciseResponseEvent": (
        "request_id exercise_id title description starter_code test_cases difficulty"
    ),
    "ExerciseSubmissionEvent": "user_id exercise_id submission",
    "ExerciseGradedEvent": "submission_id exercise_id user_id passed score feedback",
    "StruggleAlertEvent": "user_id struggle_type context recommended_action",
    "StudentProgress": "student_id component scores mastery idempotency_key",
}
"""What a producer must send; whatever else a model has, an older event comes without."""

OPTIONAL = {
    "LearningQueryEvent": "session_id",
    "ConceptRequestEvent": "mastery_level",
    "CodeReviewRequestEvent": "language focus_areas",
    "ErrorRequestEvent": "code_snippet traceback",
    "ErrorHintEvent": "severity related_concepts",
    "ExerciseRequestEvent": "difficulty mastery_level",
    "ExerciseResponseEvent": "expected_output",
    "StruggleAlertEvent": "severity",
    "StudentProgress": "event_type",
}

HANDLERS = {
    "triage": "triage",
    "concepts": "concepts",
    "code-review": "review",
    "debug": "debug",
    "exercise": "exercise",
    "progress": "progress",
}
"""Type → its module in `app/handlers/`."""


def model(name: str) -> type[Event]:
    """Return the contract of that name."""
    module = importlib.import_module(f"app.contracts.{MODULES[name]}")
    found = getattr(module, name)
    assert issubclass(found, Event)
    return found


def preset(service_type: str) -> dict[str, Any]:
    """Return the preset of a type."""
    return yaml.safe_load((ROOT / "presets" / f"{service_type}.yml").read_text())


def topics(service_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the topics of a preset by name."""
    for topic in preset(service_type)["topics"]:
        yield topic["name"], topic


def test_the_catalogue_is_the_extensions() -> None:
    """Questions and contracts go by the same table."""
    assert {name: topic.event for name, topic in CATALOGUE.items()} == dict(TOPICS)
    assert {topic.event for topic in CATALOGUE.values()} == MODULES.keys()


@pytest.mark.parametrize("service_type", LEARNFLOW)
def test_a_preset_declares_what_the_catalogue_says(service_type: str) -> None:
    """Neither more nor less."""
    declared = {
        name: (topic["event_type"], topic["publish"], topic["subscribe"])
        for name, topic in topics(service_type)
    }
    assert declared == {
        name: (topic.event, service_type in topic.published_by, service_type in topic.read_by)
        for name, topic in CATALOGUE.items()
        if service_type in topic.published_by | topic.read_by
    }


def test_what_is_published_is_read() -> None:
    """By a service with the same model; alerts are for people."""
    read = {(name, topic["event_type"]) for kind in LEARNFLOW for name, topic in topics(kind)
            if topic["subscribe"]}  # fmt: skip
    told = {(name, topic["event_type"]) for kind in LEARNFLOW for name, topic in topics(kind)
            if topic["publish"]}  # fmt: skip
    assert told - read == {("struggle.alert", "StruggleAlertEvent")}


@pytest.mark.parametrize("service_type", LEARNFLOW)
def test_every_subscription_has_its_handler(service_type: str) -> None:
    """With the model of the topic."""
    module = importlib.import_module(f"app.handlers.{HANDLERS[service_type]}")
    handled = {found.topic: found.event for found in Subscription.of(module)}
    assert handled == {
        name: model(topic["event_type"])
        for name, topic in topics(service_type)
        if topic["subscribe"]
    }


@pytest.mark.parametrize("name", MODULES)
def test_events_are_as_the_seeds_have_them_on_the_wire(name: str) -> None:
    """New fields are optional: an event without them is still one."""
    fields = model(name).model_fields
    assert {key for key, field in fields.items() if field.is_required()} == {
        *REQUIRED[name].split()
    }
    assert {*OPTIONAL.get(name, "").split(), "event_id", "timestamp", "version"} <= fields.keys()


@pytest.mark.parametrize("name", MODULES)
def test_a_learner_may_be_called_either_name(name: str) -> None:
    """On the wire each model keeps its own."""
    own = {"user_id", "student_id"} & model(name).model_fields.keys()
    assert len(own) == 1
    schema = {item for alias in own for item in _names(model(name), alias)}
    assert schema == {"user_id", "student_id"}


def _names(kind: type[BaseModel], field: str) -> set[str]:
    alias = kind.model_fields[field].validation_alias
    choices: list[Any] = getattr(alias, "choices", [])
    return {str(choice) for choice in choices}


@pytest.mark.parametrize(
    ("key", "text", "days"),
    [
        (keys.session("abc123"), "session:abc123", 1 / 24),
        (keys.conversation("xyz789"), "conversation:xyz789", 1),
        (keys.concept("lists", "Beginner", "m", "v"), "concept:lists:Beginner:m:v", 1),
        (keys.error("a1b2c3"), "error:a1b2c3", 30),
        (keys.review("rev123"), "review:rev123", 90),
        (keys.topic_mastery("user42", "loops"), "mastery:user42:loops", 365),
        (keys.progress("user42"), "progress:user42", 365),
        (keys.streak("user42"), "streak:user42", 365),
        (keys.mastery("stu-1"), "student:stu-1:mastery:latest", 365),
        (
            keys.mastery_on("stu-1", date(2026, 3, 1)),
            "student:stu-1:mastery:2026-03-01",
            365,
        ),
        (keys.exercise("ex1"), "exercise:ex1", None),
        (keys.attempts("user42", "ex1"), "attempts:user42:ex1", None),
    ],
)
def test_the_entity_decides_how_long_it_lives(key: Key, text: str, days: float | None) -> None:
    """Sessions an hour, mastery a year, exercises for good."""
    assert (key.text, key.ttl) == (text, None if days is None else round(days * DAY))


def test_every_key_is_under_test() -> None:
    """A new one gets its line above; `alerts` and `lock` are the service's own."""
    makers = {name for name, item in vars(keys).items() if _makes_a_key(item)}
    assert makers == {
        "session", "conversation", "concept", "error", "review", "topic_mastery", "progress",
        "streak", "mastery", "mastery_on", "exercise", "attempts", "alerts", "lock",
    }  # fmt: skip


def _makes_a_key(item: object) -> bool:
    return getattr(item, "__module__", "") == keys.__name__ and (
        get_type_hints(item).get("return") is Key
    )


def test_ids_can_not_leave_their_place_in_a_key() -> None:
    """A learner called `a:mastery` is not `a`."""
    assert keys.progress("a:b||c/d").text == "progress:a%3Ab%7C%7Cc%2Fd"
