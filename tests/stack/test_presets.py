"""What is generated runs as it is: presets beside the fleet's, on each store."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.rendering import render
from tests.stack import Kafka, kafka, postgresql, redis
from tests.stack.part import own_port
from tests.stack.service import Store, deployed

pytestmark = [pytest.mark.stack, pytest.mark.anyio]


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Kafka]:
    """Run Kafka."""
    async with kafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="module", params=["redis", "postgresql"])
async def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Store]:
    """Run a store."""
    start = redis if request.param == "redis" else postgresql
    async with start(tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.mark.parametrize("preset", ["event-processor", "crud-api", "ai-agent"])
async def test_a_preset_is_ready(preset: str, broker: Kafka, store: Store, tmp_path: Path) -> None:
    """Its components load, its topics are subscribed to, its store answers."""
    path = render(tmp_path / f"{preset}-service", service_type=preset, state_backend=store.name)
    async with deployed(
        path,
        own_port(),
        broker=broker,
        store=store,
        names=tmp_path / "names.sqlite",
        env={"OPENAI_API_KEY": "not-needed-here"},
    ) as service:
        await service.ready()
