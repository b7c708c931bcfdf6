"""Events in this service: what becomes of one, by what its handler does, and how one is sent."""

import sys
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from httpx2 import AsyncClient

from app.contracts.event import ErrorEvent, Event
from app.core.declaration.pubsub import PubSubConfig
from app.core.errors import UnavailableError
from app.core.resources import resource
from app.services.publisher import Publisher, UndeclaredTopicError
from app.services.pubsub import Delivery, Drop, Retry, Subscription, endpoint, on
from dev.sidecar import Sidecar

TOPIC = "tests-own.happened"
BUG = RuntimeError("a bug")


class Happened(Event):
    """What the handler reads."""

    number: int


def outcomes() -> list[Exception]:
    """Stand for what the handler does, try by try."""
    raise NotImplementedError


@on(TOPIC)
async def happened(event: Happened, todo: Annotated[list[Exception], Depends(outcomes)]) -> None:
    """Raise what comes next, or be done."""
    if todo:
        raise todo.pop(0)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the service try again without a pause."""
    monkeypatch.setenv("EVENT_RETRY_SECONDS", "0")


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("number", "failures", "status", "letters"),
    [
        pytest.param(1, [], "SUCCESS", [], id="handled"),
        pytest.param(1, [Retry(), BUG], "SUCCESS", [], id="handled in the end"),
        pytest.param(1, [BUG] * 5, "SUCCESS", [("RuntimeError", 5)], id="given up"),
        pytest.param("many", [], "SUCCESS", [("ValidationError", 1)], id="bad data"),
        pytest.param(1, [UnavailableError("away")] * 5, "RETRY", [], id="an outage"),
        pytest.param(1, [Drop()], "DROP", [], id="dropped"),
    ],
)
async def test_what_becomes_of_an_event(
    service: FastAPI,
    client: AsyncClient,
    sidecar: Sidecar,
    number: object,
    failures: list[Exception],
    status: str,
    letters: list[tuple[str, int]],
) -> None:
    """Tried again where that may help; what is given up is a dead letter, and Dapr is told."""
    resources, todo = service.state.resources, [*failures]
    config = resources.get(PubSubConfig)
    (subscription,) = Subscription.of(sys.modules[__name__])
    service.dependency_overrides[outcomes] = lambda: todo
    path = f"/events/{config.component_name}/{TOPIC}"
    service.post(path)(endpoint(service, subscription, resource(Delivery)))
    answer = await client.post(path, json={"id": "e-1", "data": {"number": number}})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    sent = sidecar.published(config.dead_letter_topic)
    assert [(letter["error_type"], letter["retry_count"]) for letter in sent] == letters


async def test_dapr_is_asked_for_what_is_declared(service: FastAPI, client: AsyncClient) -> None:
    """Each topic that the service reads, with the place of its dead letters."""
    config = service.state.resources.get(PubSubConfig)
    asked = (await client.get("/dapr/subscribe")).json()
    letters = {wish["topic"]: wish.get("deadLetterTopic") for wish in asked}
    letters.pop(config.dead_letter_topic, None)  # they make no more of their kind
    topics = [topic.name for topic in config.topics if topic.subscribe]
    assert letters == dict.fromkeys(topics, config.dead_letter_topic)
    assert {wish["pubsubname"] for wish in asked} <= {config.component_name}


async def test_an_event_is_sent_on_a_declared_topic_alone(
    service: FastAPI, sidecar: Sidecar
) -> None:
    """Another topic is a bug; dead letters need no declaration."""
    publisher = service.state.resources.get(Publisher)
    letters = service.state.resources.get(PubSubConfig).dead_letter_topic
    with pytest.raises(UndeclaredTopicError, match=TOPIC):
        await publisher.publish(TOPIC, Happened(number=1))
    error = ErrorEvent(
        original_event_type="E", error_type="E", error_message="e", original_payload={}
    )
    await publisher.publish(letters, error)
    assert [ErrorEvent.model_validate(sent) for sent in sidecar.published(letters)] == [error]
