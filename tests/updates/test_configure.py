"""`make configure`: other answers, and nothing of the user's lost on the way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rendering import commit
from tests.updates.conftest import Command, generate, status


def answers(service: Path) -> dict[str, Any]:
    """Return the answers of a service."""
    return yaml.safe_load((service / ".copier-answers.yml").read_text(encoding="utf-8"))


def test_entries_of_lists_change_one_by_one(
    release: Path, tmp_path: Path, command: Command
) -> None:
    """Added, changed, removed; others stay as they are. A new topic begins with a handler."""
    topics = [{"name": "orders.created", "subscribe": True, "event_type": "OrderCreated"}]
    service = generate(release, tmp_path / "service", topics=topics)

    def run(*options: str) -> int:
        return command(service, "configure", *options, template=release)

    sent = ("--topic", "orders.sent", "subscribe=true", "event_type=OrderSent")
    assert run(*sent, "--topic", "orders.created", "publish=true", "--set", "port=8001") == 0
    assert [line for line in status(service) if "handlers" in line or "models" in line] == [
        "A  app/handlers/orders_sent.py",
        "A  app/models/orders_sent.py",
    ]
    assert answers(service)["port"] == 8001
    assert [(each["name"], each.get("publish")) for each in answers(service)["topics"]] == [
        ("orders.created", True),
        ("orders.sent", None),
    ]
    commit(service)
    assert run("--no-topic", "orders.sent", "--on", "invocation", "--target", "mail") == 1
    mail = ("--on", "invocation", "--target", "mail-service", "methods=[send]")
    assert run("--no-topic", "orders.sent", "--no-starters", *mail) == 0
    assert [each["name"] for each in answers(service)["topics"]] == ["orders.created"]
    assert answers(service)["targets"] == [{"app_id": "mail-service", "methods": ["send"]}]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--on", "agent"), "agent needs a model"),
        (("--on", "colour"), "features[3]: 'colour' is no choice"),
        (("--off", "agent"), "agent is not on"),
        (("--off", "health"), "health is always on"),
        (("--set", "features=pubsub"), "features is a list, as in 'features=[health, state]'"),
        (("--set", "colour=blue"), "'colour' is no question"),
        (("--set", "port"), "'port' is no answer"),
        (("--target", "mail", "methods=[send]"), "a target needs invocation"),
        (("--no-topic", "orders.sent"), "there is no topic 'orders.sent'"),
        ((), "nothing to change"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: Sequence[str],
    told: str,
    service: Path,
    release: Path,
    command: Command,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a line, with the service as it was."""
    assert command(service, "configure", *options, template=release) == 1
    assert told in capsys.readouterr().err
    assert status(service) == []


def test_a_wrong_answer_in_the_file_is_not_taken_for_one_that_was_given(
    service: Path, release: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was given is right, and what is refused stands elsewhere."""
    path = service / ".copier-answers.yml"
    path.write_text(path.read_text().replace("port: 8000", "port: eighty"))
    commit(service)
    assert command(service, "configure", "--set", "port=8002", template=release) == 1
    assert ".copier-answers.yml says so: mend port there and commit." in capsys.readouterr().err
    path.write_text(path.read_text().replace("port: eighty", "port: 8001"))
    commit(service)
    assert command(service, "configure", "--set", "port=8001") == 0
    assert "nothing has changed" in capsys.readouterr().out


def test_a_text_is_taken_as_it_is(release: Path, tmp_path: Path, command: Command) -> None:
    """Where a question wants one; YAML would make something else of it."""
    features = ["pubsub", "state", "agent"]
    service = generate(release, tmp_path / "service", features=features, model="gpt-4.1")
    texts = {
        "description": "Orders: all of them",
        "consumer_group": "yes",
        "model": "null",
        "key_prefix": "1.0",
        "system_prompt_template": "[a]",
        "python_version": "3.12",
    }
    options = [f"{key}={text}" for key, text in texts.items()]
    assert command(service, "configure", "--set", *options, "port=8001", template=release) == 0
    assert {**texts, "port": 8001}.items() <= answers(service).items()


def test_a_topic_that_is_read_from_now_on_begins_with_a_handler(
    release: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the model that there is; a handler that reads another type than declared is told."""
    topics = [
        {"name": "orders.created", "publish": True, "event_type": "OrderCreated"},
        {"name": "orders.sent", "subscribe": True, "event_type": "OrderCreated"},
    ]
    service = generate(release, tmp_path / "service", topics=topics)
    model, mine = service / "app/models/events.py", service / "app/models/mine.py"
    model.rename(mine)
    handler = service / "app/handlers/events.py"
    handler.write_text(handler.read_text().replace("models.events", "models.mine"))
    commit(service)
    read = ("--topic", "orders.created", "subscribe=true")
    changed = ("--topic", "orders.sent", "event_type=OrderSent")
    assert command(service, "configure", *read, *changed, template=release) == 0
    text = (service / "app/handlers/orders_created.py").read_text()
    assert "from app.models.mine import OrderCreated" in text
    assert not (service / "app/models/orders_created.py").exists()
    told = "app/handlers/events.py handles orders.sent, which carries OrderSent now"
    assert told in capsys.readouterr().out
