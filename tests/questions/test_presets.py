"""A preset says what a service type means, and is the only place that does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from extensions.answers.table import PYTHON_VERSIONS, QUESTIONS, keys_of
from tests.questions.copying import copy
from tests.rendering import PRESETS, ROOT, git, render

COPIER: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text())
ASKED = {
    key: question
    for key, question in COPIER.items()
    if not key.startswith("_") and question.get("when") is not False
}
LEARNFLOW = ("triage", "concepts", "code-review", "debug", "exercise", "progress")
NEEDED = {
    "triage": ["pubsub", "state"],
    "progress": ["pubsub", "state"],
    "event-processor": ["pubsub", "state"],
    "concepts": ["pubsub", "state", "agent"],
    "code-review": ["pubsub", "state", "agent"],
    "debug": ["pubsub", "state", "agent"],
    "exercise": ["pubsub", "state", "agent"],
    "ai-agent": ["state", "agent"],
    "crud-api": ["state"],
    "code-executor": [],
    "generic": [],
}


def preset(name: str) -> dict[str, Any]:
    """Return the answers in a preset file."""
    return yaml.safe_load((ROOT / "presets" / f"{name}.yml").read_text())


def difference(one: Path, other: Path) -> str:
    """Return how two trees differ."""
    options = ("diff", "--no-index", "--stat", "--exit-code", str(one), str(other))
    try:
        return git(one.parent, *options)
    except Exception as error:
        return str(getattr(error, "stdout", error))


@pytest.mark.parametrize("name", PRESETS)
def test_the_type_alone_gives_what_the_file_gives(name: str, tmp_path: Path) -> None:
    """Byte for byte, whether the type is named or its file is given."""
    named = render(tmp_path / "a", service_type=name, service_name=f"{name}-service")
    outcome = copy(tmp_path / "b", "--data-file", ROOT / "presets" / f"{name}.yml")
    assert outcome.code == 0, outcome.text
    assert difference(named, tmp_path / "b") == ""


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_answers_the_questions_of_its_features(name: str) -> None:
    """It is complete, says nothing of other features, and keeps the order of the questions."""
    answers = preset(name)
    sections = ["service", *answers["features"]]
    wanted = [key for section in sections for key in keys_of(section)]
    if "agent" not in answers["features"]:
        assert "model" not in answers
    assert [key for key in answers if key != "required_features"] == wanted


@pytest.mark.parametrize("name", PRESETS)
def test_what_a_type_needs(name: str) -> None:
    """The features that a type can't do without are those of the specification."""
    answers = preset(name)
    assert answers["required_features"] == NEEDED[name]
    assert {"health", *NEEDED[name]} <= set(answers["features"])


def test_every_question_is_known() -> None:
    """The questions of copier.yml are those that are checked, in one order and of one type."""
    kinds = {key: question.kind for key, question in QUESTIONS.items()}
    asked = {
        key: "choices" if question.get("multiselect") else question["type"]
        for key, question in ASKED.items()
    }
    assert list(asked) == list(kinds)
    assert asked == kinds


@pytest.mark.parametrize("key", ASKED)
def test_every_question_is_whole(key: str) -> None:
    """Each has a type, a help, a default and a validator."""
    assert {"type", "help", "default", "validator"} <= set(ASKED[key])


def test_the_choices_are_those_that_are_checked() -> None:
    """No choice is offered that is refused, and none is kept back."""
    assert sorted(COPIER["service_type"]["choices"].values()) == PRESETS
    assert tuple(COPIER["python_version"]["choices"]) == PYTHON_VERSIONS
    offered = set(COPIER["features"]["choices"].values())
    assert offered == {"health", "pubsub", "state", "invocation", "agent"}


def test_an_explicit_answer_wins(destination: Path) -> None:
    """A preset only fills in what is not said."""
    render(destination, service_type="debug", port=9000, key_prefix="x", temperature=0)
    answers = yaml.safe_load((destination / ".copier-answers.yml").read_text())
    assert (answers["port"], answers["key_prefix"], answers["temperature"]) == (9000, "x", 0)
    assert answers["max_tokens"] == 2000


def test_learnflow_publishes_only_what_somebody_reads() -> None:
    """Every topic has a reader with the same model; alerts are for clients."""
    topics = [topic for name in LEARNFLOW for topic in preset(name)["topics"]]
    read = {(topic["name"], topic["event_type"]) for topic in topics if topic["subscribe"]}
    written = {(topic["name"], topic["event_type"]) for topic in topics if topic["publish"]}
    assert written - read == {("struggle.alert", "StruggleAlertEvent")}


def test_triage_calls_services_that_are_there() -> None:
    """Its targets are the other five, under the names they have."""
    names = {preset(name)["service_name"] for name in LEARNFLOW} - {"triage-service"}
    assert {target["app_id"] for target in preset("triage")["targets"]} == names
