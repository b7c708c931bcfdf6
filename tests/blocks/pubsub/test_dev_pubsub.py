"""The embedded sidecar delivers events as Dapr does; no network and no waiting."""

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

import httpx2
import pytest

from dev.sidecar.blocks import App
from dev.sidecar.blocks.pubsub import meaning
from dev.sidecar.components import Component
from dev.sidecar.core import Sidecar, api
from dev.sidecar.world import Answer, Call, Clock, UnreachableError

TOPIC = "orders.created"


class Moving(Clock):
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.skip(seconds)
        await asyncio.sleep(0)


class World:
    """Apps that answer as told."""

    def __init__(self, dead_letter_topic: str = "", **options: str) -> None:
        self.got: list[tuple[str, Any]] = []
        self.answer: Callable[[Any], Answer] = lambda _: Answer(200)
        self.gone: set[str] = set()
        self._dead = dead_letter_topic
        self.retry: dict[str, Any] = {}
        self._component = Component("pubsub", "pubsub.kafka", options, self.retry)
        self.sidecar = Sidecar(self.call_app, Moving(), Random(1))

    async def call_app(self, address: str, call: Call) -> Answer:
        """Be the app."""
        if address in self.gone:
            raise UnreachableError(address)
        if call.path == "/dapr/subscribe":
            wish = {"pubsubname": "pubsub", "topic": TOPIC, "route": "/on"}
            return Answer(200, (), json.dumps([{**wish, "deadLetterTopic": self._dead}]).encode())
        if call.path != "/on":
            return Answer(404)
        envelope = json.loads(call.body)
        await asyncio.sleep(0)
        self.got.append((address, envelope))
        return self.answer(envelope)

    async def add(self, app_id: str, address: str) -> httpx2.AsyncClient:
        """Start an app; return a client of its sidecar."""
        app = App(app_id, address, {"pubsub": self._component})
        self.sidecar.add(app)
        await app.up.wait()
        transport = httpx2.ASGITransport(api(self.sidecar, app))
        return httpx2.AsyncClient(transport=transport, base_url="http://sidecar/v1.0")


@pytest.mark.parametrize(
    ("status", "body", "means"),
    [
        (200, "", "SUCCESS"),
        (204, "", "SUCCESS"),
        (200, '["a tuple", 200]', "SUCCESS"),
        (200, '{"status": "SUCCESS"}', "SUCCESS"),
        (200, '{"status": "RETRY"}', "RETRY"),
        (200, '{"status": "DROP"}', "DROP"),
        (200, '{"status": "processed"}', "RETRY"),
        (404, "", "NOT_FOUND"),
        (302, "", "RETRY"),
        (422, "", "RETRY"),
        (500, "", "RETRY"),
    ],
)
def test_what_an_answer_means(status: int, body: str, means: str) -> None:
    """Only what Dapr takes for done is done."""
    assert meaning(status, body.encode()) == means


async def test_json_is_wrapped_and_a_cloud_event_is_kept() -> None:
    """Without a content type, JSON is but a text."""
    world = World()
    async with await world.add("a", "a1") as sidecar:
        path = f"/publish/pubsub/{TOPIC}"
        assert (await sidecar.post(path, json={"n": 1})).status_code == 204
        await sidecar.post(path, content=b'{"n": 1}')
        kind = {"content-type": "application/cloudevents+json"}
        await sidecar.post(path, json={"id": "mine", "data": 3}, headers=kind)
        await world.sidecar.settled()
    assert world.sidecar.published(TOPIC) == [{"n": 1}, '{"n": 1}', 3]
    assert "mine" in {envelope["id"] for _, envelope in world.got}


async def test_what_may_not_be_published() -> None:
    """An unknown component is 404, a topic outside the scopes 403."""
    world = World(publishingScopes=f"a={TOPIC}")
    async with await world.add("a", "a1") as sidecar:
        unknown = await sidecar.post("/publish/nope/x", json={})
        assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "ERR_PUBSUB_NOT_FOUND")
        assert (await sidecar.post("/publish/pubsub/other.topic", json={})).status_code == 403


async def test_each_service_gets_an_event_and_one_of_its_replicas() -> None:
    """The app-id is the consumer group."""
    world = World()
    for app_id, address in (("a", "a1"), ("a", "a2"), ("b", "b1")):
        await world.add(app_id, address)
    for number in range(20):
        assert await world.sidecar.deliver(TOPIC, {"event_id": f"e{number}"}) == ["SUCCESS"] * 2
    got = [address for address, _ in world.got]
    assert got.count("a1") + got.count("a2") == got.count("b1") == 20
    assert {"a1", "a2"} <= set(got)


async def test_events_of_one_key_stay_in_order() -> None:
    """Others need not wait for them."""
    world = World()
    async with await world.add("a", "a1") as sidecar:
        for number in range(10):
            path = f"/publish/pubsub/{TOPIC}?metadata.partitionKey=stu-1"
            await sidecar.post(path, json=number)
        await world.sidecar.settled()
    assert [envelope["data"] for _, envelope in world.got] == list(range(10))


async def test_a_failed_event_is_dead_lettered() -> None:
    """As it is, at the first failure."""
    world = World("dead")
    world.answer = lambda _: Answer(500)
    await world.add("a", "a1")
    assert await world.sidecar.deliver(TOPIC, {"event_id": "e"}) == ["RETRY"]
    assert world.sidecar.published("dead") == [{"event_id": "e"}]


async def test_a_policy_tries_again_before_it_is_dead_lettered() -> None:
    """As often and as late as it says."""
    world = World("dead")
    world.answer = lambda _: Answer(500)
    world.retry |= {"policy": "constant", "duration": "1m30s", "maxRetries": 4}
    async with await world.add("a", "a1") as sidecar:
        await sidecar.post(f"/publish/pubsub/{TOPIC}", json="late")
        while not world.sidecar.published("dead"):  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(0)
    assert (len(world.got), world.sidecar.clock.now()) == (5, 360)


async def test_an_exponential_policy_waits_longer_each_time() -> None:
    """Up to its longest interval."""
    policy = {"policy": "exponential", "maxInterval": "1s", "maxRetries": 4}
    pauses = Component("pubsub", "pubsub.kafka", {}, policy).pauses()
    assert list(pauses) == [0.5, 0.75, 1, 1]


async def test_several_events_are_published_at_once() -> None:
    """All of them, or none if two have one id."""
    world = World()
    entries = [{"entryId": str(n), "event": n, "contentType": "application/json"} for n in (1, 2)]
    async with await world.add("a", "a1") as sidecar:
        twice = await sidecar.post(f"/publish/bulk/pubsub/{TOPIC}", json=entries[:1] * 2)
        assert (twice.status_code, twice.json()["errorCode"]) == (400, "ERR_PUBSUB_EVENTS_SER")
        once = await sidecar.post(f"/publish/bulk/pubsub/{TOPIC}", json=entries)
        assert once.status_code == 204
    assert world.sidecar.published(TOPIC) == [1, 2]


async def test_without_a_dead_letter_topic_an_event_comes_again() -> None:
    """Every five seconds, until it is handled."""
    world, handled = World(), asyncio.Event()

    def answer(_: Any) -> Answer:
        if world.sidecar.clock.now() < 15:
            return Answer(500)
        handled.set()
        return Answer(200)

    world.answer = answer
    await world.add("a", "a1")
    await world.sidecar.deliver(TOPIC, {"event_id": "e"})
    await handled.wait()
    assert (world.sidecar.clock.now(), len(world.got)) == (15, 4)


async def test_what_can_not_be_delivered_blocks_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is dead-lettered as what failed, and told; the next of its partition comes."""
    world = World("dead")

    def answer(envelope: Any) -> Answer:
        if envelope["data"] == "odd":
            raise ValueError("no header")
        return Answer(200)

    world.answer = answer
    async with await world.add("a", "a1") as sidecar:
        kind = {"content-type": "application/cloudevents+json"}
        for event in ({"data": "odd"}, {"data": "traced", "traceparent": 5}, {"data": "next"}):
            path = f"/publish/pubsub/{TOPIC}?metadata.partitionKey=k"
            await sidecar.post(path, json=event, headers=kind)
        await sidecar.post(f"{path}&metadata.rawPayload=true", content=b"no event")
        await world.sidecar.settled()
    assert [envelope["data"] for _, envelope in world.got] == ["odd", "traced", "next"]
    assert world.sidecar.published("dead") == ["odd", None]
    assert capsys.readouterr().out == f"not delivered on {TOPIC}: ValueError('no header')\n"


async def test_events_wait_for_an_app_that_is_gone() -> None:
    """It gets them when it is back."""
    world = World()
    async with await world.add("a", "a1") as sidecar:
        world.gone = {"a1"}
        world.sidecar.pause(world.sidecar.apps[0])
        await sidecar.post(f"/publish/pubsub/{TOPIC}", json="late")
        await world.sidecar.settled()
        assert world.got == []
        world.gone = set()
        world.sidecar.resume(world.sidecar.apps[0])
        await world.sidecar.apps[0].up.wait()
        await world.sidecar.settled()
    assert [envelope["data"] for _, envelope in world.got] == ["late"]


async def test_an_event_that_nobody_reads_is_a_mistake_of_the_test() -> None:
    """Its message names what could have been meant."""
    world = World()
    await world.add("a", "a1")
    with pytest.raises(LookupError, match=TOPIC):
        await world.sidecar.deliver("orders.create", {})
