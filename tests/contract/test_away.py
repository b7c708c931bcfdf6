"""What is told while a store or the broker is away."""

import asyncio
import time

import pytest

from tests.contract.answers import done, mark, refusal
from tests.contract.broker import Broker
from tests.contract.differences import Difference, differs
from tests.contract.store import Store, upsert
from tests.contract.world import World

pytestmark = pytest.mark.only("redis", "postgresql", "kafka")

BACK_SECONDS = 60.0


async def test_a_get_fails(store: Store, world: World) -> None:
    """It is no miss."""
    async with world.without(store.name):
        assert refusal(await store.get(mark())) == (500, "ERR_STATE_GET")


async def test_a_save_fails(store: Store, world: World) -> None:
    """It is no conflict."""
    async with world.without(store.name):
        assert refusal(await store.put(mark())) == (500, "ERR_STATE_SAVE")


async def test_a_transaction_fails(store: Store, world: World) -> None:
    """As it does at a conflict."""
    async with world.without(store.name):
        answer = await store.transact(upsert(mark()))
    assert refusal(answer) == (500, "ERR_STATE_TRANSACTION")


@differs(Difference.AWAY, "redis")
async def test_a_delete_fails(store: Store, world: World) -> None:
    """On Redis as if somebody had changed the key."""
    async with world.without(store.name):
        answer = await store.delete(mark())
    assert refusal(answer) == (store.facts.delete_while_away, "ERR_STATE_DELETE")


@differs(Difference.AWAY, "redis")
async def test_a_bulk_get_fails(store: Store, world: World) -> None:
    """On Redis key by key, inside an answer that is fine."""
    async with world.without(store.name):
        answer = await store.bulk(mark())
    assert answer.status_code == store.facts.bulk_get_while_away
    if answer.status_code == 200:
        assert [bool(found["error"]) for found in answer.json()] == [True]
    else:
        assert refusal(answer) == (500, "ERR_STATE_BULK_GET")


@pytest.mark.only("redis")
@differs(Difference.AWAY)
async def test_redis_is_waited_for(store: Store, world: World) -> None:
    """A shorter outage does not show."""
    async with world.without(store.name):
        began = time.monotonic()
        await store.put(mark())
        assert time.monotonic() - began > 1


async def test_a_store_that_is_away_does_not_show(store: Store, world: World) -> None:
    """The sidecar stays healthy, inside and out."""
    async with world.without(store.name):
        assert done(await store.http.get("/v1.0/healthz"))
        assert done(await store.http.get("/v1.0/healthz/outbound"))


async def test_a_store_that_is_back_is_used(store: Store, world: World) -> None:
    """Without a restart of the sidecar."""
    key = mark()
    async with world.without(store.name):
        await store.put(key)
    assert done(await store.put(key, 2))
    assert await store.value(key) == 2


async def test_a_broker_that_is_away_takes_no_events(broker: Broker, world: World) -> None:
    """Until some seconds after it is back; then they are delivered as ever."""
    word = mark()
    async with world.without(broker.name):
        answer = await broker.publish("plain", f'"{word}"')
        assert refusal(answer) == (500, "ERR_PUBSUB_PUBLISH_MESSAGE")
    async with asyncio.timeout(BACK_SECONDS):
        while not done(await broker.publish("plain", f'"{word}"')):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert await broker.got(word, "plain")
