"""What is refused, and how: a line a problem, with the key, the value and a right one."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from copier import run_copy
from copier.errors import UserMessageError

from extensions.answers.checks import problems
from extensions.answers.known import Problem
from extensions.answers.presets import defaults, types
from extensions.answers.table import QUESTIONS
from tests.questions.copying import OPTIONS, copier, copy, data
from tests.rendering import ROOT, snapshot

ORDERS = {"name": "orders.created", "subscribe": True, "event_type": "OrderCreated"}
TRIAGE: dict[str, Any] = yaml.safe_load((ROOT / "presets" / "triage.yml").read_text())


def topic(**changes: object) -> dict[str, object]:
    """Return answers with one topic, changed."""
    return {"topics": [{**ORDERS, **changes}]}


def target(**changes: object) -> dict[str, object]:
    """Return answers with one target, changed."""
    return {
        "features": ["invocation"],
        "targets": [{"app_id": "orders-service", "methods": ["get_order"], **changes}],
    }


def agent(**answers: object) -> dict[str, object]:
    """Return answers of an agent."""
    return {"service_type": "ai-agent", **answers}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"prot": 1}, "prot: 1 answers no question: .* 'port'"),
    "a key of Copier's own kind": ({"_tasks": 1}, "_tasks: 1 answers no question"),
    "a computed answer": ({"uses_sidecar": True}, "uses_sidecar: True answers no question"),
    "an answer to the check of answers": (
        {"given_answers": {"port": 80}},
        r"given_answers: \{'port': 80\} answers no question",
    ),
    "features asked for by no type": (
        {"required_features": ["agent"]},
        r"required_features: \['agent'\] is not asked for: use \[\]",
    ),
    # The service.
    "a type that does not exist": ({"service_type": "debgu"}, "service_type: .* 'debug'"),
    "several types": ({"service_type": ["generic"]}, r"service_type: \['generic'\] is no service"),
    "no type": ({"service_type": None}, "service_type: None is no service type"),
    "a name in capitals": ({"service_name": "Orders"}, "service_name: 'Orders' is no service name"),
    "a name of 64 characters": ({"service_name": "a" * 64}, "service_name: .* up to 46"),
    "a name that a pod's would outgrow": ({"service_name": "a" * 47}, "service_name: .* up to 46"),
    "a name that ends with a hyphen": ({"service_name": "a-"}, "service_name: 'a-' is no"),
    "a name of Dapr's": ({"service_name": "dapr-orders"}, "service_name: .* 'orders-service'"),
    "Dapr's own name": ({"service_name": "dapr"}, "service_name: .* 'orders-service'"),
    "a long name of Dapr's": ({"service_name": f"dapr-{'a' * 41}"}, "service_name: .* 'orders-"),
    "a word of Python": ({"service_name": "import"}, "service_name: 'import' is reserved"),
    "a module of Python": ({"service_name": "json"}, "service_name: 'json' is reserved"),
    "a module of a newer Python": (
        {"service_name": "annotationlib"},
        "'annotationlib' is reserved",
    ),
    "a word of a newer Python": ({"service_name": "type"}, "'type' is reserved"),
    "a package in use": ({"service_name": "fastapi"}, "service_name: 'fastapi' is reserved"),
    "the package of every service": ({"service_name": "app"}, "service_name: 'app' is reserved"),
    "a word of YAML": ({"service_name": "yes"}, "service_name: 'yes' is no service name"),
    "an empty description": ({"description": "  "}, "description: '  ' is no description"),
    "a control character": ({"description": "a\x07b"}, "description: .*without control characters"),
    "a long description": ({"description": "a" * 501}, "description: .*up to 500 characters"),
    "half a version": ({"version": "1.0"}, r"version: '1.0' is no semantic version: .* '0.1.0'"),
    "a version with a v": ({"version": "v1.0.0"}, "version: 'v1.0.0' is no semantic version"),
    "Python 3.10": ({"python_version": "3.10"}, "python_version: '3.10' is no Python .* '3.12'"),
    "a Python to come": ({"python_version": "3.99"}, "python_version: '3.99' is no choice: .*3.14"),
    "a privileged port": ({"port": 80}, "port: 80 is no port to listen on: .* 8000"),
    "the sidecar's port": ({"port": 3500}, "port: 3500 is a port of the Dapr sidecar: .* 8000"),
    "Kafka's port": ({"port": "9092"}, "port: 9092 is Kafka's port in docker-compose.yml"),
    "Redis' port": ({"port": 6379}, "port: 6379 is Redis' port in docker-compose.yml"),
    "a port that is a word": ({"port": "abc"}, "port: 'abc' is no port to listen on"),
    "a port with a fraction": ({"port": 8000.5}, "port: 8000.5 is no port to listen on"),
    "half a port": ({"port": "8000.0"}, "port: '8000.0' is no port to listen on"),
    "no port": ({"port": None}, "port: None is no port to listen on"),
    "a port that is true": ({"port": True}, "port: True is no port to listen on"),
    # Features.
    "an unknown feature": ({"features": ["pubsbu"]}, r"features\[0\]: 'pubsbu' .* 'pubsub'"),
    "features that are no list": ({"features": "pubsub"}, r"features: 'pubsub' is no list: .*\[a"),
    "no features": ({"features": None}, "features: None is no list"),
    "features of numbers": ({"features": [1]}, r"features\[0\]: 1 is no feature"),
    "an agent without state": (
        {"features": ["agent"], "model": "gpt-4.1"},
        r"features: agent needs state, .* \[state, agent\]",
    ),
    "an agent without a model": (
        {"features": ["state", "agent"]},
        "model: agent needs a model, for example 'gpt-4.1-mini'",
    ),
    "a type without a feature it needs": (
        {"service_type": "debug", "features": ["pubsub", "state"]},
        "features: debug can't do without agent: its answers come from a language model",
    ),
    "an archetype without the feature it needs": (
        {"service_type": "crud-api", "features": []},
        "features: crud-api can't do without state",
    ),
    # pubsub.
    "a topic in capitals": (
        topic(name="Learning.Query"),
        r"topics\[0\].name: 'Learning.Query' is no topic: use domain.action, each of lower-case "
        "letters, digits and single hyphens, a letter first, up to 249 in all, "
        "for example 'learning.query'.",
    ),
    "a topic without an action": (topic(name="orders"), r"topics\[0\].name: 'orders' is no topic"),
    "a long topic": (topic(name="a." + "b" * 248), r"topics\[0\].name: .* is no topic"),
    "a topic that begins with a digit": (topic(name="3d.printed"), "a letter first, up to 249"),
    "a topic without a name": (
        {"topics": [{"subscribe": True, "event_type": "OrderCreated"}]},
        r"topics\[0\].name: is missing: .* 'learning.query'",
    ),
    "a topic without subscribe or publish": (
        {"topics": [{"name": "orders.created", "event_type": "OrderCreated"}]},
        r"topics\[0\]: 'orders.created' is neither read nor written: .* 'subscribe: true'",
    ),
    "a topic with neither": (topic(subscribe=False), r"topics\[0\]: .* neither read nor written"),
    "a topic that is maybe read": (topic(subscribe="maybe"), r"topics\[0\].subscribe: 'maybe' is"),
    "an unknown key of a topic": (topic(colour=1), r"topics\[0\].colour: 1 has no place here"),
    "a topic twice": (
        {"topics": [ORDERS, {**ORDERS, "publish": True}]},
        "topics: 'orders.created' stands there more than once",
    ),
    "topics that are no list": ({"topics": {"a": 1}}, "topics: {'a': 1} is no list"),
    "a topic that is a word": ({"topics": ["a.b"]}, r"topics\[0\]: 'a.b' is no mapping"),
    "the dead letters": (topic(name="dead-letter.queue"), r"topics\[0\].name: 'dead-letter.queue'"),
    "a topic without a model": (
        {"topics": [{"name": "orders.created", "subscribe": True}]},
        r"topics\[0\].event_type: is missing: .* 'OrderCreated'",
    ),
    "a model in lower case": (topic(event_type="order"), r"topics\[0\].event_type: 'order' is no"),
    "a model of one letter": (topic(event_type="X"), "'X' is no event model: .* 2 to 64 letters"),
    "a long model": (topic(event_type="A" * 65), "is no event model: .* 2 to 64 letters"),
    "a model that is no name": (topic(event_type="A-b"), r"topics\[0\].event_type: 'A-b' is no"),
    "a model that is a word": (
        topic(event_type="None"),
        r"topics\[0\].event_type: 'None' is a name",
    ),
    "a model of Python's": (
        topic(event_type="ValueError"),
        r"topics\[0\].event_type: 'ValueError' is a name .* 'ValueErrorEvent'",
    ),
    "a model of the handlers' modules": (
        topic(event_type="CounterDep"),
        r"topics\[0\].event_type: 'CounterDep' is a name",
    ),
    "a model of another topic": (
        topic(name="learning.query", event_type="ErrorHintEvent"),
        r"topics\[0\].event_type: 'ErrorHintEvent' is not the model of .* 'LearningQueryEvent'",
    ),
    "a model that LearnFlow does not have": (
        {
            "service_type": "triage",
            "topics": [{**TRIAGE["topics"][0], "event_type": "Question"}, *TRIAGE["topics"][1:]],
        },
        r"topics\[0\].event_type: 'Question' is no model for .* 'LearningQueryEvent'",
    ),
    "a topic that LearnFlow does not have": (
        {"service_type": "triage", "topics": [*TRIAGE["topics"], ORDERS]},
        r"topics\[6\].name: 'orders.created' is no topic of LearnFlow",
    ),
    "a type without a topic of its own": (
        {"service_type": "triage", "topics": TRIAGE["topics"][1:]},
        "topics: 'learning.query' is missing, and triage can't do without it: add {name:",
    ),
    "a topic that the type reads, unread": (
        {
            "service_type": "triage",
            "topics": [{**TRIAGE["topics"][0], "subscribe": False}, *TRIAGE["topics"][1:]],
        },
        r"topics\[0\].subscribe: False is wrong: triage reads 'learning.query': use true",
    ),
    "an example's topic with another model": (
        {"service_type": "event-processor", **topic(name="activity.recorded")},
        r"topics\[0\].event_type: 'OrderCreated' is not the model of .* 'ActivityRecorded'",
    ),
    "a group with a space": ({"consumer_group": "a b"}, "consumer_group: 'a b' is no consumer"),
    "a component in capitals": ({"pubsub_component": "Kafka"}, "pubsub_component: 'Kafka' is no"),
    # State.
    "two components of one name": (
        {"pubsub_component": "dapr", "state_component": "dapr"},
        "state_component: 'dapr' is the name of pubsub_component already",
    ),
    "two long components of one name": (
        {"pubsub_component": "a" * 63, "state_component": "a" * 63},
        "state_component: .* is the name of pubsub_component already",
    ),
    "the shared store": (
        {"service_type": "debug", "state_component": "shared-store"},
        "state_component: 'shared-store' is the store that LearnFlow's services share",
    ),
    "a backend that does not exist": (
        {"state_backend": "mysql"},
        "state_backend: 'mysql' is no state backend: use redis or postgresql",
    ),
    "a long prefix": ({"key_prefix": "a" * 65}, "with colons between, up to 64, or nothing"),
    "a prefix with bars": ({"key_prefix": "a||b"}, r"key_prefix: 'a\|\|b' is no part of a key"),
    "a prefix with a slash": ({"key_prefix": "a/b"}, "key_prefix: 'a/b' is no part of a key"),
    "a prefix with a space": ({"key_prefix": "a b"}, "key_prefix: 'a b' is no part of a key"),
    "a life of no seconds": ({"ttl_seconds": 0}, "ttl_seconds: 0 is no time to live: .* 3600"),
    "a life of a day": ({"ttl_seconds": "1d"}, "ttl_seconds: '1d' is no time to live"),
    "an ETag perhaps": ({"use_etag": "maybe"}, "use_etag: 'maybe' is no answer: .* true"),
    # Invocation.
    "a target calling itself": (
        {**target(app_id="orders"), "service_name": "orders"},
        r"targets\[0\].app_id: 'orders' is this service itself",
    ),
    "the target of the example calling itself": (
        {**target(app_id="progress-service"), "service_name": "progress-service"},
        r"targets\[0\].app_id: .* for example 'debug-service'",
    ),
    "a target twice": (
        {
            "features": ["invocation"],
            "targets": [{"app_id": "orders", "methods": ["get"]}] * 2,
        },
        "targets: 'orders' stands there more than once",
    ),
    "a type without a target that it calls": (
        {"service_type": "triage", "targets": TRIAGE["targets"][1:]},
        "targets: 'concepts-service' is missing, and triage calls it: add {app_id:",
    ),
    "a type without a method that it calls": (
        {
            "service_type": "triage",
            "targets": [{**TRIAGE["targets"][0], "methods": ["other"]}, *TRIAGE["targets"][1:]],
        },
        r"targets\[0\].methods: 'explain_concept' is missing, and triage calls it: add",
    ),
    "a target without methods": (target(methods=[]), r"targets\[0\].methods: \[\] is empty"),
    "a method with a slash": (target(methods=["/get"]), r"targets\[0\].methods\[0\]: '/get' is no"),
    "a target in no time": (target(timeout_ms=0), r"targets\[0\].timeout_ms: 0 is no time"),
    "retries below none": (
        {"features": ["invocation"], "max_retries": -1},
        "max_retries: -1 is no number of retries: use a whole number from 0 to 10, for example 3",
    ),
    "no time at all": (
        {"features": ["invocation"], "default_timeout_ms": 0},
        "default_timeout_ms: 0 is no time",
    ),
    # Agent.
    "an empty model": (agent(model=""), "model: agent needs a model, for example 'gpt-4.1-mini'"),
    "a model with a space": (agent(model="gpt 4"), "model: 'gpt 4' is no model"),
    "too hot": (agent(temperature=2.1), "temperature: 2.1 is no temperature: .* 0 to 2.* 0.7"),
    "too cold": (agent(temperature="-0.1"), "temperature: -0.1 is no temperature"),
    "not a number": (agent(temperature="nan"), "temperature: nan is no temperature"),
    "no tokens": (agent(max_tokens=0), "max_tokens: 0 is no number of tokens"),
    "no messages": (agent(max_history=0), "max_history: 0 is no number of messages"),
    "no prompt": (agent(system_prompt_template=""), "system_prompt_template: '' is no prompt"),
    "a key without a session": (agent(context_key="a"), "context_key: 'a' is no key of a conver"),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the template as a plain folder, which Copier need not clone for every case."""
    folder = tmp_path_factory.mktemp("plain") / "template"
    shutil.copytree(snapshot(), folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    return folder


def refusal(template: Path, destination: Path, answers: dict[str, Any]) -> str:
    """Return what Copier says to these answers."""
    options: dict[str, Any] = {"defaults": True, "unsafe": True, "quiet": True}
    with pytest.raises(UserMessageError) as refused:
        run_copy(str(template), destination, data=answers, **options)
    assert not destination.exists()
    return str(refused.value)


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, template: Path, destination: Path) -> None:
    """Wrong answers are refused before anything is written."""
    answers, message = REFUSED[case]
    assert re.search(message, refusal(template, destination, answers))


EXAMPLE = re.compile(r"for example ('[^']*'|\[[^\]]*\]|(?!with)\w+(\.\w+)*)")


def described(answers: dict[str, Any]) -> list[Problem]:
    """Return what is wrong with these answers, where the type has the others."""
    kind = str(answers.get("service_type"))
    return problems({**defaults(kind if kind in types() else "generic"), **answers}, complete=True)


def changed(value: object, path: Sequence[int | str], to: object) -> Any:
    """Return a list, a mapping or whatever it is with `to` in the place of what is there."""
    if not path:
        return to
    first, *rest = path
    if isinstance(first, int):
        entries = cast("list[object]", value)
        return [changed(e, rest, to) if n == first else e for n, e in enumerate(entries)]
    fields = cast("dict[str, object]", value)
    return {**fields, first: changed(fields.get(first), rest, to)}


@pytest.mark.parametrize("case", REFUSED)
def test_an_example_is_right(case: str) -> None:
    """Whoever takes the value that a message proposes hears nothing more of that answer."""
    answers, _ = REFUSED[case]
    for problem in described(answers):
        proposed = EXAMPLE.search(problem.text)
        of_several = "subscribe: true" in problem.text or problem.key not in QUESTIONS
        if proposed and not of_several:
            value = yaml.safe_load(proposed[1])
            whole = {**defaults("generic"), **answers}.get(problem.key)
            better = {**answers, problem.key: changed(whole, problem.path, value)}
            left = [each for each in described(better) if each.key == problem.key]
            assert problem.path not in [each.path for each in left], f"{problem}\n{left}"


def test_all_problems_at_once(destination: Path) -> None:
    """Nobody runs it again to hear of the next problem; the order is that of the questions."""
    outcome = copy(destination, *data(temperature="3", port="abc", colour="blue", version="1"))
    assert outcome.code == 1
    keys = [line.split(":")[0] for line in outcome.lines]
    assert keys == ["colour", "version", "port", "temperature"]
    assert "Traceback" not in outcome.text
    assert not destination.exists()


def test_a_data_file_is_refused_as_well(destination: Path, tmp_path: Path) -> None:
    """Answers in a file are answers."""
    answers = tmp_path / "answers.yml"
    answers.write_text(
        "topics:\n  - {name: a.b, publish: true, event_type: AbC}\n  - {name: A.b}\n"
    )
    outcome = copy(destination, "--data-file", answers)
    assert outcome.code == 1
    assert outcome.lines[0].startswith("topics[1].name: 'A.b' is no topic: use domain.action")
    assert not destination.exists()


def test_an_existing_folder_is_left_as_it_is(destination: Path) -> None:
    """What was there before is there after, and nothing else."""
    destination.mkdir()
    (destination / "README.md").write_text("mine")
    outcome = copy(destination, "--overwrite", *data(port="80"))
    assert outcome.code == 1
    assert [path.name for path in destination.iterdir()] == ["README.md"]
    assert (destination / "README.md").read_text() == "mine"


@pytest.mark.parametrize("text", ["[a", "{a: b", "a: b: c", "*a", "!!python/object:os.system {}"])
@pytest.mark.parametrize("key", ["topics", "targets", "ttl_seconds", "features"])
def test_broken_yaml(key: str, text: str, template: Path, destination: Path) -> None:
    """What is no YAML is shown as it was typed."""
    answers = {"features": ["pubsub", "state", "invocation"], key: text}
    assert refusal(template, destination, answers).startswith(f"{key}: {text!r} is no")


def test_the_users_settings_are_answers_too(destination: Path, tmp_path: Path) -> None:
    """A wrong default in Copier's settings is told like any other answer."""
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults: {port: abc, user_email: of@other.templates}\n")
    command = ("copy", *OPTIONS, "--defaults", "--quiet", snapshot(), destination)
    outcome = copier(*command, COPIER_SETTINGS_PATH=str(settings))
    assert outcome.code == 1
    assert outcome.lines == [
        "port: 'abc' is no port to listen on: use a whole number from 1024 to 65535, "
        "for example 8000."
    ]
