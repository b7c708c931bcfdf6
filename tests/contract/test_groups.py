"""Consumer groups: who gets an event, of services and of replicas."""

import asyncio

import pytest

from tests.contract.answers import mark
from tests.contract.broker import Broker
from tests.contract.differences import Difference, differs
from tests.contract.fleet import OTHER, READER
from tests.contract.world import World

EVENTS = 60


async def spread(broker: Broker, world: World, pubsub: str, topic: str) -> dict[str, list[int]]:
    """Publish numbers with a key for each; return who got which, by `app-id/number of replica`."""
    word = mark()
    for number in range(EVENTS):
        url = f"/v1.0/publish/{pubsub}/{topic}?metadata.partitionKey={mark()}"
        await broker.reader.http.post(url, json={"mark": word, "n": number})
    apps = {f"{a}/{n}": r.app for a in (READER, OTHER) for n, r in enumerate(world.replicas(a))}

    def got() -> dict[str, list[int]]:
        return {name: [s.json()["data"]["n"] for s in app.seen(word)] for name, app in apps.items()}

    def all_numbers() -> list[int]:
        return [number for numbers in got().values() for number in numbers]

    services = 1 if pubsub == "common" else 2
    async with asyncio.timeout(broker.reader.app.patience):
        while len(all_numbers()) < EVENTS * services:  # noqa: ASYNC110 - several apps
            await asyncio.sleep(0.05)
    return got()


@pytest.mark.only("kafka")
async def test_each_service_gets_every_event(broker: Broker, world: World) -> None:
    """They have groups of their own."""
    got = await spread(broker, world, "kafka", "shared")
    numbers = [number for name, found in got.items() if name != "reader/0" for number in found]
    assert sorted(got["reader/0"]) == list(range(EVENTS))
    assert sorted(numbers) == list(range(EVENTS))


@pytest.mark.only("kafka")
async def test_replicas_share_events_out(broker: Broker, world: World) -> None:
    """Each gets a part, and none gets what another has."""
    got = await spread(broker, world, "kafka", "shared")
    assert got["other/0"]
    assert got["other/1"]
    assert set(got["other/0"]).isdisjoint(got["other/1"])


@pytest.mark.only("kafka")
async def test_services_of_one_group_share_events_out(broker: Broker, world: World) -> None:
    """Each misses some: a group is for one service."""
    got = await spread(broker, world, "common", "pooled")
    assert sorted(number for found in got.values() for number in found) == list(range(EVENTS))
    assert 0 < len(got["reader/0"]) < EVENTS


@differs(Difference.MEMORY)
@pytest.mark.only("local")
async def test_memory_is_inside_one_sidecar(broker: Broker, world: World) -> None:
    """Other services get nothing of it."""
    word = mark()
    (guarded,) = world.replicas("guarded")
    await broker.reader.http.post("/v1.0/publish/local/guarded", json=word)
    after = mark()
    await guarded.http.post("/v1.0/publish/local/guarded", json=after)
    await guarded.app.heard(after)
    assert guarded.app.seen(word) == []


@pytest.mark.only("kafka")
async def test_a_group_that_is_new_begins_with_the_oldest_event(
    broker: Broker, world: World
) -> None:
    """Where `initialOffset` is `oldest`."""
    word = mark()
    await broker.reader.http.post("/v1.0/publish/kafka/early", json=word)
    async with world.late() as late, late.app.serving():
        assert await late.app.heard(word)


@pytest.mark.only("kafka")
async def test_a_replica_that_is_gone_leaves_its_part_to_others(
    broker: Broker, world: World
) -> None:
    """What it can't be given comes again, to it once it is back or to another."""
    gone, left = world.replicas(OTHER)
    word = mark()
    async with world.away(gone):
        for _ in range(12):
            url = f"/v1.0/publish/kafka/shared?metadata.partitionKey={mark()}"
            await broker.reader.http.post(url, json=word)
        await left.app.heard(word)
    async with asyncio.timeout(broker.reader.app.patience):
        while len(gone.app.seen(word)) + len(left.app.seen(word)) < 12:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
