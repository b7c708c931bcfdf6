"""Publishing: as CloudEvents, on declared topics alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.contracts.event import ErrorEvent, Event
from app.core import declaration
from app.core.declaration.pubsub import PubSubConfig, PubSubTopic
from app.core.telemetry import continue_trace
from app.services.publisher import Publisher, UndeclaredTopicError, UnpublishedError
from app.services.sidecar import Answer, Sidecar, SidecarError
from dev.sidecar import Sidecar as EmbeddedSidecar

TOPIC = "tests-own.happened"
SECONDS = 1.0
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Happened(Event):
    """What the tests publish."""

    user_id: str = "u 1"
    what: str = "ä"
    number: float | int = 0


class Watched(Sidecar):
    """The connection: keeps what was sent, and may answer in the sidecar's place."""

    def __init__(self, real: Sidecar) -> None:
        self._real = real
        self.sent: list[dict[str, Any]] = []
        self.answer: Answer | None = None
        self.failures: list[Answer] = []

    async def call(self, operation: str, method: str, path: str, **how: Any) -> Answer:
        """Pass a call on."""
        self.sent.append(how)
        if self.failures:
            return self.failures.pop(0)
        return self.answer or await self._real.call(operation, method, path, **how)


@pytest.fixture
def watched(connection: Sidecar) -> Watched:
    """Return the connection, watched."""
    return Watched(connection)


@pytest.fixture
def publisher(watched: Watched) -> Publisher:
    """Return a publisher of one topic."""
    declared = declaration.load(Path("app/service.yaml")).section(PubSubConfig)
    topic = PubSubTopic(name=TOPIC, publish=True, event_type="Happened")
    unpublished = PubSubTopic(name="tests-own.heard", subscribe=True, event_type="Happened")
    config = declared.model_copy(update={"topics": [topic, unpublished]})
    return Publisher(watched, config, "test-service", seconds=SECONDS)


async def test_an_event_becomes_a_cloud_event(publisher: Publisher, watched: Watched) -> None:
    """Its id is the event's, its trace the caller's, its place that of the learner's others."""
    continue_trace(f"00-{TRACE}-b7ad6b7169203331-01")
    event = Happened()
    await publisher.publish(TOPIC, event)
    (sent,) = watched.sent
    envelope = json.loads(sent["body"])
    assert sent["content_type"] == "application/cloudevents+json"
    assert sent["params"] == {"metadata.partitionKey": "u 1"}
    assert (envelope["id"], envelope["source"]) == (event.event_id, "test-service")
    assert (envelope["specversion"], envelope["type"]) == ("1.0", "Happened")
    assert envelope["traceparent"].split("-")[1] == TRACE
    assert envelope["data"] == event.model_dump(mode="json")


async def test_it_arrives_as_it_was_sent(publisher: Publisher, sidecar: EmbeddedSidecar) -> None:
    """Through the sidecar and back."""
    event = Happened()
    await publisher.publish(TOPIC, event)
    assert [Happened.model_validate(data) for data in sidecar.published(TOPIC)] == [event]


@pytest.mark.parametrize("topic", ["tests-own.unknown", "tests-own.heard"])
async def test_an_undeclared_topic_is_a_bug(
    publisher: Publisher, watched: Watched, topic: str
) -> None:
    """Found before the network."""
    with pytest.raises(UndeclaredTopicError, match=topic):
        await publisher.publish(topic, Happened())
    assert watched.sent == []


async def test_another_model_is_a_bug(publisher: Publisher, watched: Watched) -> None:
    """A topic has one."""
    with pytest.raises(UndeclaredTopicError, match="Happened, not Event"):
        await publisher.publish(TOPIC, Event())
    assert watched.sent == []


async def test_dead_letters_need_no_declaration(publisher: Publisher, watched: Watched) -> None:
    """Every service may have some."""
    error = ErrorEvent(
        original_event_type="Happened", error_type="E", error_message="e", original_payload={}
    )
    await publisher.publish("dead-letter.queue", error)
    assert len(watched.sent) == 1


async def test_a_refusal_is_an_error(publisher: Publisher, watched: Watched) -> None:
    """Nobody takes an event for published that is not."""
    watched.answer = Answer(403, {}, b'{"errorCode": "ERR_PUBSUB_FORBIDDEN"}')
    with pytest.raises(SidecarError, match="publish failed with 403 ERR_PUBSUB_FORBIDDEN"):
        await publisher.publish(TOPIC, Happened())


@pytest.mark.parametrize("status", [500, 503])
async def test_a_broker_that_comes_back_is_waited_for(
    publisher: Publisher, watched: Watched, sidecar: EmbeddedSidecar, status: int
) -> None:
    """Kafka's producer fails for seconds after Kafka is back; the ids stay the same."""
    watched.failures = [Answer(status, {}, b"")] * 2
    await publisher.publish(TOPIC, event := Happened())
    assert [json.loads(sent["body"])["id"] for sent in watched.sent] == [event.event_id] * 3
    assert len(sidecar.published(TOPIC)) == 1


async def test_one_that_stays_away_is_an_error(publisher: Publisher, watched: Watched) -> None:
    """After a bounded time."""
    watched.answer = Answer(500, {}, b'{"errorCode": "ERR_PUBSUB_PUBLISH_MESSAGE"}')
    with pytest.raises(SidecarError, match="500 ERR_PUBSUB_PUBLISH_MESSAGE"):
        await publisher.publish(TOPIC, Happened())
    assert len(watched.sent) > 1
    assert all(sent["seconds"] <= SECONDS for sent in watched.sent)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"errorCode": "ERR_PUBSUB_CLOUD_EVENTS_SER"}'),
        (500, b"kafka: Attempt to produce message larger than configured"),
        (500, b"kafka server: Message was too large"),
        (413, b""),
    ],
)
async def test_what_can_never_be_published_is_not_repeated(
    publisher: Publisher, watched: Watched, status: int, body: bytes
) -> None:
    """Nor is it taken for an outage, which its handler's event would wait for."""
    watched.answer = Answer(status, {}, body)
    with pytest.raises(SidecarError) as single:
        await publisher.publish(TOPIC, Happened())
    with pytest.raises(UnpublishedError) as several:
        await publisher.publish_many(TOPIC, [Happened()])
    assert len(watched.sent) == 2
    assert not single.value.outage
    assert not several.value.outage


@pytest.mark.parametrize("bad", [{"number": float("nan")}, {"number": float("inf")}])
async def test_what_is_no_json_is_a_bug(
    publisher: Publisher, watched: Watched, bad: dict[str, Any]
) -> None:
    """Found before the network."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        await publisher.publish(TOPIC, Happened(**bad))
    with pytest.raises(ValueError, match="not JSON compliant"):
        await publisher.publish_many(TOPIC, [Happened(**bad)])
    assert watched.sent == []


async def test_several_are_published_in_one_call(publisher: Publisher, watched: Watched) -> None:
    """Each with its id, its key and an entry of its own, also where an event is there twice."""
    events = [Happened(user_id="u 1"), Happened(user_id="u 2")]
    watched.answer = Answer(204, {}, b"")
    await publisher.publish_many(TOPIC, [*events, events[0]])
    (sent,) = watched.sent
    entries = json.loads(sent["body"])
    assert len({entry["entryId"] for entry in entries}) == 3
    assert [entry["event"]["id"] for entry in entries[:2]] == [event.event_id for event in events]
    assert [entry["metadata"]["partitionKey"] for entry in entries] == ["u 1", "u 2", "u 1"]
    assert {entry["contentType"] for entry in entries} == {"application/cloudevents+json"}


async def test_of_several_only_those_that_failed_are_sent_again(
    publisher: Publisher, watched: Watched
) -> None:
    """And those that still fail are told."""
    events = [Happened() for _ in range(3)]

    def failed(*entries: str) -> Answer:
        body = {"failedEntries": [{"entryId": entry, "error": "down"} for entry in entries]}
        return Answer(500, {}, json.dumps(body).encode())

    watched.failures, watched.answer = [failed("1", "2")], failed("2")
    with pytest.raises(UnpublishedError, match=f"1 events on '{TOPIC}'") as caught:
        await publisher.publish_many(TOPIC, events)
    assert (caught.value.events, caught.value.outage) == ([events[2]], True)
    sizes = [len(json.loads(sent["body"])) for sent in watched.sent]
    assert sizes[:3] == [3, 2, 1]


async def test_large_integers_stay_exact(publisher: Publisher, sidecar: EmbeddedSidecar) -> None:
    """The sidecar rounds those of a bulk: with one of them, events go one by one, in order."""
    events = [Happened(number=number) for number in (0.1, 2**53 + 1, 10**400, 1)]
    await publisher.publish_many(TOPIC, events)
    assert [Happened.model_validate(data) for data in sidecar.published(TOPIC)] == events


async def test_of_those_that_go_one_by_one_the_rest_is_told(
    publisher: Publisher, watched: Watched
) -> None:
    """From the first that fails on."""
    events = [Happened(number=2**53 + 1) for _ in range(3)]
    watched.failures = [Answer(204, {}, b""), Answer(403, {}, b"")]
    with pytest.raises(UnpublishedError) as caught:
        await publisher.publish_many(TOPIC, events)
    assert (caught.value.events, caught.value.outage) == (events[1:], False)


async def test_several_are_checked_before_the_network(
    publisher: Publisher, watched: Watched
) -> None:
    """All of them."""
    with pytest.raises(UndeclaredTopicError):
        await publisher.publish_many(TOPIC, [Happened(), Event()])
    assert watched.sent == []


def test_ids_of_events_that_follow_are_always_the_same() -> None:
    """So repeating them is harmless."""
    event = Event(event_id="a")
    assert (
        event.derived_id() == Event(event_id="a").derived_id() != Event(event_id="b").derived_id()
    )
    assert event.derived_id(1) != event.derived_id(2)
