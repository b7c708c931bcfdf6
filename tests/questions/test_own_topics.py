"""Topics of one's own: a model and a handler to begin with, as if a person had written them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.rendering import ROOT, render

Topic = dict[str, object]


def read(name: str, event_type: str) -> Topic:
    """Return a topic that is read."""
    return {"name": name, "subscribe": True, "event_type": event_type}


def written(name: str, event_type: str) -> Topic:
    """Return a topic that is written."""
    return {"name": name, "publish": True, "event_type": event_type}


LONG = "A" + "b" * 63
TOPICS: dict[str, list[Topic]] = {
    "one": [read("orders.created", "OrderCreated")],
    "in capitals": [
        read("b.sent", "SMS"),
        read("c.sent", "X1"),
        read("d.sent", "OrderCreated"),
        read("e.sent", "Az"),
    ],
    "written only": [written("orders.created", "OrderCreated")],
    "several": [
        read("orders.created", "OrderCreated"),
        read("orders.cancelled", "OrderCancelled"),
        written("orders.shipped", "OrderShipped"),
        read("orders.returned", "OrderCreated"),
    ],
    "with LearnFlow's": [
        read("learning.query", "LearningQueryEvent"),
        read("zoo.opened", "ZooOpened"),
        written("exercise.graded", "ExerciseGradedEvent"),
    ],
    "LearnFlow's alone": [read("struggle.alert", "StruggleAlertEvent")],
    "awkward to sort": [
        read("a.a", "Order10"),
        read("a.b", "Order9"),
        read("a.c", "orderX".capitalize()),
        read("a.d", "HTTPEvent"),
        read("a.e", "HttpEvent"),
        read("a.f", "Ab"),
        read("a.g", "AB1c"),
    ],
    "of one name": [read("a.b-c", "Ab"), read("a-b.c", "Ac"), read("a.b.c", "Ad")],
    "long": [
        read("a." + "b" * 247, LONG),
        read("a." + "b" * 246, "C" + LONG[1:]),
        read("orders.created", "D" + "e" * 62),
    ],
}


def checked(service: Path, *command: str) -> None:
    """Run a check on the two files in a service, as its own `make check` does."""
    files = [service / f"app/{folder}/events.py" for folder in ("models", "handlers")]
    there = [str(file.relative_to(service)) for file in files if file.exists()]
    done = subprocess.run(
        [sys.executable, "-m", *command, *there], cwd=service, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", TOPICS)
def test_starters_are_clean(case: str, destination: Path) -> None:
    """Formatter and linter find nothing; the type checker is for all combinations at once."""
    service = render(destination, topics=TOPICS[case])
    checked(service, "ruff", "format", "--diff", "--no-cache")
    checked(service, "ruff", "check", "--no-cache")


def test_what_is_rendered_for_whom(destination: Path) -> None:
    """A model for each event of one's own, a handler for each topic that is read."""
    service = render(destination, topics=TOPICS["with LearnFlow's"])
    models = (service / "app/models/events.py").read_text()
    handlers = (service / "app/handlers/events.py").read_text()
    assert models.count("\nclass ") == 1
    assert "class ZooOpened(Event):" in models
    assert handlers.count("@on(") == 2
    assert "from app.contracts.learning import LearningQueryEvent" in handlers
    contracts = {path.stem for path in (service / "app/contracts").glob("*.py")}
    assert {"learning", "exercise"} <= contracts
    assert not {"concepts", "review", "debug", "struggle"} & contracts


def test_nothing_to_begin_with(destination: Path) -> None:
    """Without topics there are no starters."""
    service = render(destination)
    assert not list(service.glob("app/*/events.py"))
    assert yaml.safe_load((service / "app/service.yaml").read_text())["pubsub"]["topics"] == []


def test_an_example_is_replaced_by_ones_own(destination: Path) -> None:
    """Where the example's topic goes, its code goes; the model of that name is then one's own."""
    topics = [read("activity.done", "ActivityRecorded")]
    service = render(destination, service_type="event-processor", topics=topics)
    assert (service / "app/models/events.py").exists()
    assert not (service / "app/handlers/event_processor.py").exists()


def test_an_example_beside_ones_own(destination: Path) -> None:
    """Starters are for what the example does not do."""
    example = yaml.safe_load((ROOT / "presets/event-processor.yml").read_text())["topics"]
    topics = [*example, read("orders.created", "OrderCreated")]
    service = render(destination, service_type="event-processor", topics=topics)
    assert "activity.recorded" not in (service / "app/handlers/events.py").read_text()
    assert "ActivityRecorded" not in (service / "app/models/events.py").read_text()
    assert (service / "app/handlers/event_processor.py").exists()
