"""Features go off and on again, and nothing of the user's is lost on the way.

Two features go round, and the service's own tests run at each step for one of them; `make fuzz`, in
CI too, takes all features, alone and beside others, with tests at every step.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.output.conftest import run
from tests.output.running import Runner
from tests.rendering import commit, git
from tests.updates.conftest import Command, append, generate, tag, tree

__all__ = ["run"]

MODEL = ("--set", "model=gpt-4.1-mini")
FUZZ = "UPDATE_CASES" in os.environ
EACH: Sequence[tuple[str, Sequence[str], Sequence[str]]] = [
    ("invocation", (), ()),
    ("state", (), ()),
    ("pubsub", (), ()),
    ("agent", ("state",), MODEL),
]
"""A feature, others that are on, and what its questions need."""
TOGETHER: Sequence[tuple[str, Sequence[str], Sequence[str]]] = [
    ("pubsub", ("state",), ()),
    ("state", ("pubsub",), ()),
    ("agent", ("pubsub", "state", "invocation"), MODEL),
]
CASES = [*EACH, *TOGETHER] if FUZZ else [EACH[0], EACH[2]]
TESTED = CASES if FUZZ else CASES[:1]


@pytest.mark.parametrize(("feature", "others", "needs"), CASES)
def test_a_feature_goes_round(
    feature: str,
    others: Sequence[str],
    needs: Sequence[str],
    release: Path,
    tmp_path: Path,
    command: Command,
    run: Runner,
) -> None:
    """Off and on, twice: each is as it was, what was answered without a default aside.

    That is parked for the next time, and so there from the second time on.
    """
    service = generate(release, tmp_path / "service", features=["health", *others])
    trees = [tree(service)]
    for turn in ("--on", "--off", "--on", *(["--off"] if needs else [])):
        more = needs if len(trees) == 1 else ()
        assert command(service, "configure", turn, feature, *more, template=release) == 0
        trees.append(tree(service))
        if (feature, others, needs) in TESTED and len(trees) < 4:
            done = run("pytest", "-q", cwd=service)
            assert done.code in {0, 5}, done.output
    assert run("app.main", cwd=service).code == 0
    off, on, off_again, on_again = trees[:4]
    assert on_again == on, git(service, "diff", on, on_again)
    assert trees[-1] == (off_again if needs else on), git(service, "diff", off_again, trees[-1])
    parked = git(service, "diff", "--name-only", off, off_again).split()
    assert parked == ([".parked/answers.yml"] if needs else [])


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


def change_what_is_the_templates(service: Path) -> None:
    """Remove a file, let another be run, and give a third CRLF; git tells things in its own way."""
    (service / "tests/template/test_pubsub.py").unlink()
    (service / "dev/sidecar/blocks/broker.py").chmod(0o755)
    crlf = service / "app/features/pubsub.py"
    crlf.write_bytes(crlf.read_bytes().replace(b"\n", b"\r\n"))
    append(service / "app/services/publisher.py", "", "MINE = True")
    for key, value in {"diff.noprefix": "true", "status.showUntrackedFiles": "no"}.items():
        git(service, "config", key, value)


EDITED: Sequence[tuple[Sequence[Callable[[Path], None]], str]] = [
    ([write_handlers, edit_a_file_that_goes], "pubsub"),
    ([change_what_is_the_templates], "pubsub"),
    ([delete_a_starter], "pubsub"),
    ([edit_the_door], "state"),
]


@pytest.mark.parametrize(("edits", "feature"), EDITED if FUZZ else EDITED[:2])
def test_what_was_edited_comes_back(
    edits: Sequence[Callable[[Path], None]],
    feature: str,
    release: Path,
    tmp_path: Path,
    command: Command,
    run: Runner,
) -> None:
    """To the last byte, and it starts at each step."""
    topics = [{"name": "orders.created", "subscribe": True, "event_type": "OrderCreated"}]
    service = generate(release, tmp_path / "service", topics=topics, consumer_group="mine")
    for edit in edits:
        edit(service)
    before = tree(service)
    assert command(service, "configure", "--off", feature, template=release) == 0
    assert tree(service) != before
    assert run("app.main", cwd=service).code == 0
    assert command(service, "configure", "--on", feature) == 0
    assert tree(service) == before, git(service, "diff", before, "HEAD")
    assert run("app.main", cwd=service).code == 0


def test_what_stays_parked_is_told(
    service: Path, release: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """What imports a file that is gone meanwhile, and an edit of one that is another now."""
    mine = ('"""Mine."""', "from app.services import publisher as publisher")
    append(service / "app/api/mine.py", *mine)
    append(service / "app/features/pubsub.py", "# mine")
    commit(service)
    assert command(service, "configure", "--off", "pubsub", template=release) == 0
    commit(service)
    append(release / "template/app/features/pubsub.py", "# the template's")
    (release / "template/app/services/publisher.py").unlink()
    tag(release, "v2.0.0")
    assert command(service, "update") == 0
    commit(service)
    assert command(service, "configure", "--on", "pubsub") == 0
    said = capsys.readouterr().out
    assert "  app/features/pubsub.py.patch stays in .parked/: what it changes is not as" in said
    assert "  app/api/mine.py stays in .parked/, as what it needs or changes is not here" in said
