"""`make configure`: other answers, and nothing of the user's lost on the way."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.output.running import runner
from tests.rendering import commit, git
from tests.updates.conftest import Command, append, generate, status, tree

AGENT = ("--on", "agent", "--set", "model=gpt-4.1-mini")
CREATED = ("--topic", "orders.created", "subscribe=true", "event_type=OrderCreated")


def answers(service: Path) -> dict[str, Any]:
    """Return the answers of a service."""
    return yaml.safe_load((service / ".copier-answers.yml").read_text(encoding="utf-8"))


def test_entries_of_lists_change_one_by_one(service: Path, release: Path, command: Command) -> None:
    """Added, changed, removed; others stay as they are. A new topic begins with a handler."""

    def run(*options: str) -> int:
        return command(service, "configure", *options, template=release)

    assert run(*CREATED) == 0
    assert "A  app/handlers/events.py" in status(service)
    commit(service)
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
    assert run("--no-topic", "orders.sent", "--no-starters", "--on", "invocation") == 0
    assert [each["name"] for each in answers(service)["topics"]] == ["orders.created"]
    commit(service)
    assert run("--target", "mail-service", "methods=[send]") == 0
    assert answers(service)["targets"] == [{"app_id": "mail-service", "methods": ["send"]}]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--on", "agent"), "agent needs a model"),
        (("--on", "colour"), "features[3]: 'colour' is no choice"),
        (("--off", "agent"), "agent is not on"),
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


def write_handlers(service: Path) -> None:
    """Have a handler, a test of it, a module that it shares with a route, and edited starters."""
    append(service / "app/handlers/events.py", "", "# mine")
    append(
        service / "app/handlers/orders.py",
        '"""Mine."""',
        "from app.models.events import OrderCreated",
        "from app.services.publisher import Publisher",
        "MINE = (OrderCreated, Publisher)",
    )
    append(service / "tests/test_orders.py", "from app.handlers import orders", "MINE = orders")
    append(service / "app/domain/prices.py", '"""Mine."""', "PRICE = 1")
    route = (
        "from fastapi import APIRouter",
        "from app.domain.prices import PRICE",
        "router = APIRouter()",
    )
    append(service / "app/api/prices.py", '"""Mine."""', *route)


def edit_the_door(service: Path) -> None:
    """Use the state store in the one file that is always there."""
    append(
        service / "app/setup.py", "from app.services.state import StateStore  # noqa: E402, F401"
    )


def edit_a_file_that_goes(service: Path) -> None:
    """Change a file of the template that only services with events have."""
    append(service / "app/services/publisher.py", "", "MINE = True")


def delete_a_starter(service: Path) -> None:
    """Have no use for what came with the topic."""
    (service / "app/handlers/events.py").unlink()
    append(
        service / "app/handlers/own.py",
        '"""Mine."""',
        "from app.models.events import OrderCreated",
        "from app.services.pubsub import on",
        '@on("orders.created")',
        "async def created(event: OrderCreated) -> None:",
        '    """Take it."""',
    )


CASES: Sequence[tuple[Callable[[Path], None], str]] = [
    (lambda service: None, "pubsub"),
    (lambda service: None, "state"),
    (write_handlers, "pubsub"),
    (edit_the_door, "state"),
    (edit_a_file_that_goes, "pubsub"),
    (delete_a_starter, "pubsub"),
]


@pytest.mark.parametrize(("edit", "feature"), CASES)
def test_off_and_on_again_is_the_same(
    edit: Callable[[Path], None],
    feature: str,
    release: Path,
    tmp_path: Path,
    command: Command,
) -> None:
    """To the last byte, and its tests pass at each step."""
    topics = [{"name": "orders.created", "subscribe": True, "event_type": "OrderCreated"}]
    service = generate(release, tmp_path / "service", topics=topics, consumer_group="mine")
    edit(service)
    before = tree(service)
    with runner(tmp_path) as run:
        assert command(service, "configure", "--off", feature, template=release) == 0
        assert tree(service) != before
        done = run("pytest", "-q", cwd=service)
        assert done.code in {0, 5}, done.output
        assert command(service, "configure", "--on", feature) == 0
        assert tree(service) == before, git(service, "diff", before, "HEAD")
        done = run("pytest", "-q", cwd=service)
        assert done.code in {0, 5}, done.output


@pytest.mark.parametrize("options", [("--on", "invocation"), AGENT])
def test_on_and_off_again_is_the_same(
    options: Sequence[str], service: Path, release: Path, command: Command
) -> None:
    """Of what has no default, the answer is kept for the next time."""
    before = tree(service)
    assert command(service, "configure", *options, template=release) == 0
    with_it = tree(service)
    assert command(service, "configure", "--off", options[1]) == 0
    kept = service / ".parked"
    if options == AGENT:
        assert yaml.safe_load((kept / "answers.yml").read_text())["agent"]["answers"]["model"]
        commit(service)
        assert command(service, "configure", "--on", "agent") == 0
        assert tree(service) == with_it
    else:
        assert tree(service) == before
    assert not kept.exists()
