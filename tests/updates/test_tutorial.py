"""The tutorial's service: features and topics go and come, and its tests pass at each step.

Two go and come here; `make fuzz` takes more.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.docs.pages import File, steps
from tests.output.conftest import run
from tests.output.running import Runner
from tests.rendering import commit, git
from tests.updates.conftest import Command, generate, tree
from tests.updates.test_switching import FUZZ

__all__ = ["run"]

TOPICS = [
    {"name": "orders.created", "event_type": "OrderCreated", "subscribe": True, "publish": False}
]
ADD = ("--topic", "orders.created")
REMOVED = ("--no-topic", "orders.created")
ADDED = (*ADD, "event_type=OrderCreated", "subscribe=true", "publish=false")
HANDLER, ROUTE, TEST = "app/handlers/events.py", "app/api/orders.py", "tests/test_orders.py"


@pytest.fixture
def tutorial(release: Path, tmp_path: Path) -> Path:
    """Return the service of somebody who has followed the tutorial, committed."""
    service = generate(release, tmp_path / "service", service_name="orders-service", topics=TOPICS)
    for step in steps("docs/tutorial/first-service.md"):
        if isinstance(step, File):
            (service / step.path).write_text(step.text)
    commit(service)
    return service


def as_it_is(_: Path) -> None:
    """Change nothing."""


def other_names(service: Path) -> None:
    """Have the handler and its model in modules of one's own, not in the starters'."""
    handler = service / HANDLER
    text = handler.read_text().replace("app.models.events", "app.models.orders")
    imports = "from app.models.orders import OrderCreated\nfrom app.models.orders import Orders\n"
    assert imports in text
    text = text.replace(imports, "from app.models.orders import OrderCreated, Orders\n")
    (service / "app/handlers/orders.py").write_text(text)
    events, models = service / "app/models/events.py", service / "app/models/orders.py"
    model = events.read_text().partition("class OrderCreated")[2]
    text = models.read_text().replace(
        "from pydantic import BaseModel\n",
        "from pydantic import BaseModel, Field\n\nfrom app.contracts.event import Event\n",
    )
    models.write_text(f"{text}\n\nclass OrderCreated{model}")
    handler.unlink()
    events.unlink()


CASES = [
    (as_it_is, ("--off", "pubsub"), ("--on", "pubsub")),
    (other_names, REMOVED, ADDED),
    (other_names, ("--off", "state"), ("--on", "state")),
    (as_it_is, ("--off", "state"), ("--on", "state")),
    (other_names, ("--off", "pubsub"), ("--on", "pubsub")),
    (as_it_is, REMOVED, ADDED),
    (as_it_is, ("--topic", "orders.created", "publish=true", "subscribe=false"), ADDED),
]


@pytest.mark.parametrize(("edit", "away", "back"), CASES if FUZZ else CASES[:2])
def test_what_goes_comes_back(
    edit: Callable[[Path], None],
    away: Sequence[str],
    back: Sequence[str],
    tutorial: Path,
    release: Path,
    command: Command,
    run: Runner,
) -> None:
    """With the tests that use it, which wait until then, whatever else is answered anew."""
    edit(tutorial)
    before = tree(tutorial)

    def configured(*options: str) -> str:
        assert command(tutorial, "configure", *options, template=release) == 0
        done = run("pytest", "-q", "--ignore", "tests/template", cwd=tutorial)
        assert done.code == 0, done.output
        return tree(tutorial)

    configured(*away)
    assert not (tutorial / TEST).exists()
    configured("--set", "port=8001")
    assert not (tutorial / TEST).exists()
    after = configured(*back, "--set", "port=8000")
    assert after == before, git(tutorial, "diff", before, after)


SENT = '''

@on("orders.sent")
async def orders_sent(event: OrderSent) -> None:
    """Café."""
'''
LEFT = """\
# -*- coding: latin-1 -*-
\"\"\"What happens when an event of yours arrives.\"\"\"

from app.models.orders_sent import OrderSent
from app.services.pubsub import on
"""


def test_a_handler_leaves_others_in_its_module(
    tutorial: Path, release: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what they import, and bytes as they are; all of it comes back."""
    more = ("--topic", "orders.sent", "event_type=OrderSent", "subscribe=true")
    assert command(tutorial, "configure", *more, template=release) == 0
    (tutorial / "app/handlers/orders_sent.py").unlink()
    handler = tutorial / HANDLER
    first, middle, last = handler.read_text().partition("from app.models.orders import Orders\n")
    more = "from app.models.orders_sent import OrderSent\n"
    text = f"# -*- coding: latin-1 -*-\n{first}{middle}{more}{last}{SENT}".encode("latin-1")
    handler.write_bytes(text)
    commit(tutorial)
    assert command(tutorial, "configure", *REMOVED) == 0
    assert f"  {HANDLER} loses handlers, and is kept whole in .parked/\n" in capsys.readouterr().out
    assert handler.read_text(encoding="latin-1") == LEFT + SENT
    assert not (tutorial / TEST).exists()
    commit(tutorial)
    assert command(tutorial, "configure", *ADDED) == 0
    assert handler.read_bytes() == text
    assert (tutorial / TEST).exists()
    assert not (tutorial / ".parked").exists()
