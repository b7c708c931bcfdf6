"""Subscriptions: what a handler may be, and with what a service does not start, or is not ready."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.contracts.event import Event
from app.core import declaration
from app.core.declaration.pubsub import PubSubConfig, PubSubTopic
from app.core.feature import StartError
from app.main import create_app
from app.services.pubsub import Delivery, Subscription, endpoint
from dev.serve import HOST, serve


class Happened(Event):
    """What a handler reads."""

    number: int


async def handle(event: Happened) -> None:
    """Handle an event."""


def blocking(event: Happened) -> None:
    """Handle an event, and the loop waits."""


async def saying(event: Happened) -> dict[str, str]:
    """Return an answer, and say so."""
    return {"status": event.event_id}


async def of_anything(event: dict[str, Any]) -> None:
    """Take what is no event."""


async def of_nothing() -> None:
    """Take nothing."""


@pytest.mark.parametrize("handler", [blocking, saying, of_anything, of_nothing])
def test_what_can_not_be_a_handler_does_not_start(handler: Any) -> None:
    """Its effect would come five times, its answer be unheard, or its event be none."""
    module = ModuleType(handler.__module__)
    setattr(module, handler.__name__, handler)
    handler.__topic__ = "tests-own.happened"
    with pytest.raises(StartError, match=rf"{handler.__name__} is not `async \(Event, "):
        list(Subscription.of(module))
    del handler.__topic__


@pytest.mark.usefixtures("companions")
async def test_without_its_component_a_service_is_not_ready() -> None:
    """Dapr would deliver nothing, and say nothing."""
    declared = declaration.load(Path("app/service.yaml"))
    ready = await readiness(declared)
    assert ready["pubsub"] == "ok"
    other = declared.section(PubSubConfig).model_copy(update={"component_name": "another"})
    sections = {**declared.sections, "pubsub": other.model_dump()}
    ready = await readiness(declaration.Declaration(declared.service, sections))
    assert (
        ready["pubsub"] == "UnavailableError: The sidecar names no pub/sub 'another' (status 200)."
    )


async def readiness(declared: declaration.Declaration) -> dict[str, str]:
    """Return what `/ready` says of each check."""
    app = create_app(declaration=declared)
    async with serve(app) as port, AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        return (await client.get("/ready")).json()["checks"]


def test_topics_with_names_alike_are_operations_of_their_own() -> None:
    """OpenAPI tells them apart though `.` and `-` are the same to it."""

    def delivery() -> Delivery:
        raise NotImplementedError

    app = FastAPI()
    for topic in ("tests-own.happened-now", "tests-own.happened.now"):
        subscription = Subscription(topic, Happened, handle)
        app.post(f"/events/{topic}")(endpoint(app, subscription, delivery))
    operations = [path["post"]["operationId"] for path in app.openapi()["paths"].values()]
    assert len({*operations}) == 2


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the service take small bodies only."""
    monkeypatch.setenv("MAX_BODY_BYTES", "1024")


@pytest.mark.usefixtures("limited")
async def test_the_broker_limits_events_and_nothing_else(client: AsyncClient) -> None:
    """Dapr would deliver one that is refused again and again; a route beside them has its limit."""
    routes = [wish["route"] for wish in (await client.get("/dapr/subscribe")).json()]
    assert routes
    large = b'{"data_base64": ""}' + b" " * 1025
    for path in routes:
        assert (await client.post(path, content=large)).json() == {"status": "SUCCESS"}
    for path in ["/events/import", *(f"{route}/import" for route in routes)]:
        assert (await client.post(path, content=large)).status_code == 413


@pytest.mark.usefixtures("companions")
async def test_a_declared_topic_without_handler_does_not_start() -> None:
    """Its events would come and be lost."""
    declared = declaration.load(Path("app/service.yaml"))
    config = declared.section(PubSubConfig)
    unheard = PubSubTopic(name="tests-own.unheard", subscribe=True, event_type="Unheard")
    more = config.model_copy(update={"topics": [*config.topics, unheard]})
    sections = {**declared.sections, "pubsub": more.model_dump()}
    with pytest.raises(StartError, match=r"tests-own\.unheard"):
        create_app(declaration=declaration.Declaration(declared.service, sections))
