"""The other doors: prompts on a terminal, a copy on top, an update; trust and what it takes."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from tests.questions.copying import COPIER, OPTIONS, copier, copy, data
from tests.rendering import ROOT, commit, git, render, snapshot

ENTER, DOWN, SPACE = "\r", "\x1b[B", " "
CLEAR = "\x15"
"""Empties a line."""
HERE = "\x1b[1;1R"
"""What a terminal answers when asked where its cursor is; messages at the bottom wait for that."""


def generated(template: Path, destination: Path, *arguments: str) -> Path:
    """Return a service from a release, committed."""
    outcome = copier("copy", "--trust", "--defaults", "--quiet", *arguments, template, destination)
    assert outcome.code == 0, outcome.text
    commit(destination)
    return destination


def answers_of(service: Path) -> dict[str, Any]:
    """Return what was answered."""
    return yaml.safe_load((service / ".copier-answers.yml").read_text())


def _heeds_ctrl_c() -> None:
    """Undo what a shell does to what it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Person:
    """Somebody at a terminal."""

    def __init__(
        self,
        *arguments: str | Path,
        program: Sequence[str | Path] = COPIER,
        folder: Path | None = None,
    ) -> None:
        first, *rest = map(str, (*program, *arguments))
        self.terminal: pexpect.spawn[str] = pexpect.spawn(
            first,
            rest,
            cwd=None if folder is None else str(folder),
            encoding="utf-8",
            timeout=60,
            dimensions=(50, 200),
            preexec_fn=_heeds_ctrl_c,
        )

    def reads(self, text: str) -> None:
        """Wait until the terminal shows `text`."""
        self.terminal.expect_exact(text)

    def types(self, text: str) -> None:
        """Press keys."""
        self.terminal.send(text)

    def ends(self) -> int | None:
        """Wait for the end and return the exit code; None if a signal ended it."""
        self.terminal.expect(pexpect.EOF)
        self.terminal.close()
        return self.terminal.exitstatus


def test_a_service_from_prompts(destination: Path) -> None:
    """The type fills in what follows; a wrong answer is told and can be mended on the spot."""
    person = Person("copy", *OPTIONS, snapshot(), destination)
    person.reads("What kind of service")
    person.types(ENTER)
    person.reads("What is it called")
    person.reads("generic-service")
    person.types(CLEAR + "Orders" + ENTER)
    person.reads("'Orders' is no service name")
    person.types(CLEAR + "orders" + ENTER)
    for question in ("What does it do", "Which version", "Which Python"):
        person.reads(question)
        person.types(ENTER)
    person.reads("Which port does it listen on, from 1024 to 65535?")
    person.types(CLEAR + "abc" + ENTER)
    person.reads("Invalid input")  # Copier's own words for what is no number: the question has ours
    person.types(CLEAR + "80" + ENTER)
    person.reads("80 is no port to listen on")
    person.types(CLEAR + "8001" + ENTER)
    person.reads("What is it made of")
    person.types(ENTER)
    for question in ("pub/sub component", "consumer groups"):
        person.reads(question)
        person.types(ENTER)
    person.reads("Which topics")
    person.types(CLEAR + "[{name: Orders, subscribe: true, event_type: OrderCreated}]" + ENTER)
    person.reads("'Orders' is no topic")
    person.types(CLEAR)
    person.types("[{name: orders.created, subscribe: true, event_type: OrderCreated}]" + ENTER)
    for question in ("state component", "Where is state kept", "keys begin", "seconds", "a save"):
        person.reads(question)
        person.types(ENTER)
    person.reads("is ready")
    assert person.ends() == 0
    answers = answers_of(destination)
    assert (answers["service_name"], answers["port"]) == ("orders", 8001)
    assert answers["features"] == ["health", "pubsub", "state"]
    assert '@on("orders.created")' in (destination / "app/handlers/events.py").read_text()
    assert "class OrderCreated(Event)" in (destination / "app/models/events.py").read_text()


def test_the_chosen_type_fills_in_the_rest(destination: Path) -> None:
    """At the prompt, too, everything else can be left as it is."""
    person = Person("copy", *OPTIONS, snapshot(), destination)
    person.reads("What kind of service")
    person.types(DOWN * 8 + ENTER)
    person.reads("debug-service")
    for _ in range(22):
        person.types(ENTER)
    assert person.ends() == 0
    wanted = yaml.safe_load((ROOT / "presets" / "debug.yml").read_text())
    del wanted["required_features"]
    answers = answers_of(destination)
    assert {key: answers[key] for key in wanted} == wanted


def test_an_agent_is_asked_for_its_model(destination: Path) -> None:
    """A generic service has no model to offer: an empty answer is not taken."""
    given = data(features="[state, agent]", description="x", version="1.0.0", port="8000")
    given += data(python_version="3.12", state_component="s", state_backend="redis")
    given += data(key_prefix="", ttl_seconds="", use_etag="y", service_name="talks")
    person = Person(
        "copy", *OPTIONS, *given, "--data", "service_type=generic", snapshot(), destination
    )
    person.reads("Which model")
    person.types(ENTER)
    person.reads("agent needs a model, for example 'gpt-4.1-mini'")
    person.types("gpt-4.1-mini" + ENTER)
    for _ in range(5):
        person.types(ENTER)
    assert person.ends() == 0
    assert answers_of(destination)["model"] == "gpt-4.1-mini"


def test_what_a_type_needs_is_told_at_the_prompt(destination: Path) -> None:
    """A feature that is taken away and needed can be put back."""
    given = data(service_type="crud-api", service_name="items", description="x", version="1.0.0")
    given += data(python_version="3.12", port="8000")
    person = Person("copy", *OPTIONS, *given, snapshot(), destination)
    person.reads("What is it made of")
    person.types(HERE + DOWN * 2 + SPACE + ENTER)
    person.reads("crud-api can't do without state")
    person.types(SPACE + ENTER)
    for _ in range(5):
        person.types(ENTER)
    assert person.ends() == 0
    assert answers_of(destination)["features"] == ["health", "state"]


def test_given_answers_are_checked_before_the_first_prompt(destination: Path) -> None:
    """Nobody answers ten questions to hear that the command line was wrong."""
    person = Person("copy", *OPTIONS, *data(port="abc"), snapshot(), destination)
    person.reads("port: 'abc' is no port to listen on")
    assert person.ends() == 1
    assert not destination.exists()


def test_answers_of_a_feature_that_is_off_are_dropped(destination: Path) -> None:
    """That is said, once, on stderr, and the answers file does not keep them."""
    outcome = copy(destination, *data(features="[state]", topics="[]", max_retries="1"))
    assert outcome.code == 0
    assert outcome.lines == [
        "warning: topics: dropped, as pubsub is not among the features: add it to keep them, "
        "for example [health, state, pubsub].",
        "warning: max_retries: dropped, as invocation is not among the features: add it to keep "
        "them, for example [health, state, invocation].",
    ]
    assert not {"topics", "max_retries"} & set(answers_of(destination))


def test_an_update_that_turns_a_feature_off_says_what_it_drops(
    release: Path, destination: Path
) -> None:
    """Once, and the service has the answers of that feature no more."""
    service = generated(release, destination)
    options = ("--trust", "--defaults", "--quiet", "--vcs-ref", ":current:")
    outcome = copier("update", *options, "--data", "features=[state]", cwd=service)
    assert outcome.code == 0, outcome.text
    assert [line for line in outcome.lines if line.startswith("warning")] == [
        "warning: pubsub_component, consumer_group, topics: dropped, as pubsub is not among the "
        "features: add it to keep them, for example [health, state, pubsub]."
    ]
    assert "topics" not in answers_of(service)
    assert not (service / "app/features/pubsub.py").exists()


@pytest.mark.parametrize("command", ["recopy", "update"])
def test_wrong_answers_in_the_answers_file(command: str, release: Path, destination: Path) -> None:
    """Copier would drop them in silence; they are refused, and the service stays as it is."""
    service = generated(release, destination)
    file = service / ".copier-answers.yml"
    text = file.read_text().replace("port: 8000", "port: 80") + "colour: blue\n"
    file.write_text(text)
    commit(service)
    options = ("--trust", "--defaults", "--quiet", "--overwrite")
    outcome = copier(command, *(options if command == "recopy" else options[:3]), cwd=service)
    assert outcome.code == 1
    assert outcome.lines == [
        "colour: 'blue' answers no question: use one of theirs, for example 'port'.",
        "port: 80 is no port to listen on: use a whole number from 1024 to 65535, "
        "for example 8000.",
    ]
    assert git(service, "status", "--porcelain") == ""


@pytest.mark.parametrize("command", ["recopy", "update"])
def test_wrong_data(command: str, release: Path, destination: Path) -> None:
    """New answers are checked there as well."""
    service = generated(release, destination)
    options = ("--trust", "--defaults", "--quiet", "--data", "port=80")
    outcome = copier(command, *options, cwd=service)
    assert outcome.code == 1
    assert outcome.lines[0].startswith("port: 80 is no port to listen on")
    assert "Traceback" not in outcome.text
    assert git(service, "status", "--porcelain") == ""


def test_an_update_checks_by_the_rules_of_its_version(release: Path, destination: Path) -> None:
    """Old and new rules live in one process; each checks its own."""
    service = generated(release, destination, *data(port="8000"))
    rules = release / "template/app/core/declaration/service.py"
    rules.write_text(rules.read_text().replace("ge=1024", "ge=9000"))
    commit(release)
    git(release, "tag", "v1.1.0")
    options = ("--trust", "--defaults", "--quiet")
    refused = copier("update", *options, cwd=service)
    assert refused.code == 1
    assert refused.lines[0].startswith("port: 8000 is no port to listen on")
    assert git(service, "status", "--porcelain") == ""
    taken = copier("update", *options, "--data", "port=9001", cwd=service)
    assert taken.code == 0, taken.text
    assert answers_of(service)["port"] == 9001


def test_a_question_that_is_gone(release: Path, destination: Path) -> None:
    """Answers to it are known still, so the update goes through, and they are gone after it."""
    service = generated(release, destination)
    questions = release / "copier.yml"
    text = questions.read_text()
    start, end = text.index("consumer_group:\n"), text.index("topics:\n")
    questions.write_text(text[:start] + text[end:])
    table = release / "extensions/answers/table.py"
    lines = table.read_text().splitlines(keepends=True)
    kept = "".join(line for line in lines if '"consumer_group": Question' not in line)
    assert "RETIRED: frozenset[str] = frozenset()" in kept
    table.write_text(kept.replace("frozenset()", 'frozenset({"consumer_group"})'))
    rendered = release / "template/app/service.yaml.jinja"
    text = rendered.read_text()
    rendered.write_text(text.replace("{{ consumer_group | quoted }}", '"learning-services"'))
    for path in (release / "template").rglob("*.jinja"):
        path.write_text(path.read_text().replace("{{ consumer_group }}", "learning-services"))
    for path in (release / "presets").glob("*.yml"):
        path.write_text(path.read_text().replace("consumer_group: learning-services\n", ""))
    commit(release)
    git(release, "tag", "v2.0.0")
    outcome = copier("update", "--trust", "--defaults", "--quiet", cwd=service)
    assert outcome.code == 0, outcome.text
    assert "consumer_group" not in answers_of(service)


def test_replay(destination: Path, tmp_path: Path) -> None:
    """The answers file of an output reproduces it."""
    service = render(destination, service_type="triage", service_name="ask", port=9001)
    answers = answers_of(service)
    data = {key: value for key, value in answers.items() if not key.startswith("_")}
    again = render(tmp_path / "again", **data)
    assert subprocess.run(["diff", "-r", service, again], check=False).returncode == 0


def test_without_trust(destination: Path) -> None:
    """Copier refuses code it is not told to trust; the page on installing explains the message."""
    outcome = copier("copy", "--vcs-ref", "HEAD", "--defaults", snapshot(), destination)
    assert outcome.code == 4
    explained(outcome.lines[0])


def test_without_the_loader_of_extensions(destination: Path, tmp_path: Path) -> None:
    """Copier by itself can't load the extensions; the page on installing explains that, too."""
    blocked = tmp_path / "copier_template_extensions.py"
    blocked.write_text(
        "raise ModuleNotFoundError(\"No module named 'copier_template_extensions'\")\n"
    )
    options = ("--trust", "--vcs-ref", "HEAD", "--defaults", snapshot(), destination)
    outcome = copier("copy", *options, PYTHONPATH=str(tmp_path))
    assert outcome.code == 1
    assert "Traceback" not in outcome.text
    explained(outcome.lines[0])
    assert not destination.exists()


def explained(message: str) -> None:
    """Assert that the page on installing has a message of Copier's, word for word."""
    page = (ROOT / "docs/how-to/install.md").read_text()
    assert message in page, f"{message!r} is not in docs/how-to/install.md ({sys.executable})"
