"""Faults on command: what each does to a service that publishes, handles and keeps."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request
from httpx2 import AsyncClient
from pydantic import BaseModel

from app.contracts.event import Event
from app.core.declaration.pubsub import PubSubConfig, PubSubTopic
from app.core.errors import DeadlineError
from app.core.key import Key
from app.services.publisher import Publisher
from app.services.sidecar import Sidecar, SidecarError, SidecarUnavailableError
from app.services.state import StateStore
from dev.serve import HOST, serve
from dev.sidecar import Fault
from dev.sidecar import Sidecar as EmbeddedSidecar
from dev.sidecar.blocks import App

TOPIC, KEY = "tests-own.happened", Key("test:number")


class Happened(Event):
    """What the tests publish."""


class Number(BaseModel):
    """What the tests keep."""

    n: int = 0


def one_more(number: Number | None) -> Number:
    """Count."""
    return Number(n=(number.n if number else 0) + 1)


async def until(true: Callable[[], bool]) -> None:
    """Wait for what nothing tells of."""
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


@pytest.fixture
def store(service: FastAPI) -> StateStore:
    """Return the service's store."""
    return service.state.resources.get(StateStore)


@pytest.fixture
def publish(service: FastAPI) -> Callable[[str], Awaitable[None]]:
    """Return a function that publishes an event by its id."""
    declared: PubSubConfig = service.state.resources.get(PubSubConfig)
    topic = PubSubTopic(name=TOPIC, publish=True, event_type="Happened")
    config = declared.model_copy(update={"topics": [topic]})
    publisher = Publisher(service.state.resources.get(Sidecar), config, "test", seconds=0.05)
    return lambda event_id: publisher.publish(TOPIC, Happened(event_id=event_id))


@pytest.fixture
async def handled(
    service: FastAPI, sidecar: EmbeddedSidecar, store: StateStore
) -> AsyncGenerator[list[str]]:
    """Run a reader of the topic that counts events; return the ids that it got."""
    config: PubSubConfig = service.state.resources.get(PubSubConfig)
    ids, reader = list[str](), FastAPI()

    @reader.get("/dapr/subscribe")
    async def subscribe() -> Any:
        return [{"pubsubname": config.component_name, "topic": TOPIC, "route": "/on"}]

    @reader.post("/on")
    async def on(request: Request) -> None:
        ids.append((await request.json())["id"])
        await store.once(ids[-1], KEY, Number, one_more)

    async with serve(reader) as port:
        app = App("reader", f"http://{HOST}:{port}", sidecar.apps[0].components)
        sidecar.add(app)
        await app.up.wait()
        yield ids
        sidecar.pause(app)


async def test_an_error_is_the_sidecars_and_nothing_is_done(
    sidecar: EmbeddedSidecar, store: StateStore
) -> None:
    """For as many calls as were asked for."""
    sidecar.faults.append(Fault("error", "state.save", status=503, times=2))
    for _ in range(2):
        with pytest.raises(SidecarError, match="503 ERR_STATE_SAVE"):
            await store.save(KEY, Number(n=1))
    assert await store.get(KEY, Number) is None
    await store.save(KEY, Number(n=1))
    assert await store.get(KEY, Number) == Number(n=1)


async def test_a_conflict_is_tried_again(sidecar: EmbeddedSidecar, store: StateStore) -> None:
    """As if somebody else had been faster; one that does not end is a store that fails."""
    sidecar.faults.append(Fault("conflict", "state.save", times=2))
    assert await store.update(KEY, Number, one_more) == Number(n=1)
    assert sidecar.faults == []
    sidecar.faults.append(Fault("conflict", "state.save", times=-1))
    with pytest.raises(SidecarError, match="500 ERR_STATE_SAVE"):
        await store.update(KEY, Number, one_more)


async def test_a_dropped_answer_leaves_the_effect(
    sidecar: EmbeddedSidecar, store: StateStore
) -> None:
    """The caller can't know; asking again with the same event does it once."""
    sidecar.faults.append(Fault("drop", "state.save"))
    with pytest.raises(SidecarUnavailableError):
        await store.once("e-1", KEY, Number, one_more)
    assert await store.get(KEY, Number) == Number(n=1)
    assert await store.once("e-1", KEY, Number, one_more) == Number(n=1)


async def test_a_delay_is_longer_than_a_caller_waits(
    service: FastAPI, sidecar: EmbeddedSidecar
) -> None:
    """Until the time is skipped, for who waits longer."""
    sidecar.faults.append(Fault("delay", "health", seconds=3600, times=2))
    connection = service.state.resources.get(Sidecar)
    with pytest.raises(DeadlineError):
        await connection.call("test", "GET", "/v1.0/healthz", seconds=0.05)
    late = asyncio.create_task(connection.healthy())
    await until(lambda: not sidecar.faults)
    sidecar.clock.skip(3600)
    await late


async def test_while_the_sidecar_is_down_the_service_is_not_ready(
    sidecar: EmbeddedSidecar, client: AsyncClient
) -> None:
    """And lives; once the sidecar is back, all is well without a restart."""
    sidecar.faults.append(Fault("down", "*", times=-1))
    assert (await client.get("/ready")).status_code == 503
    assert (await client.get("/health")).status_code == 200
    sidecar.faults.clear()
    assert (await client.get("/ready")).status_code == 200


async def test_a_duplicate_comes_twice_and_counts_once(
    sidecar: EmbeddedSidecar,
    handled: list[str],
    publish: Callable[[str], Awaitable[None]],
    store: StateStore,
) -> None:
    """Published twice, or delivered twice."""
    sidecar.faults += [Fault("duplicate", "publish", TOPIC), Fault("duplicate", "deliver", "/on")]
    await publish("e-1")
    await sidecar.settled()
    assert handled == ["e-1"] * 3
    assert await store.get(KEY, Number) == Number(n=1)


async def test_an_event_whose_handling_was_not_heard_of_comes_again(
    sidecar: EmbeddedSidecar,
    handled: list[str],
    publish: Callable[[str], Awaitable[None]],
    store: StateStore,
) -> None:
    """After five seconds that nobody waits for; it counts once."""
    sidecar.faults.append(Fault("drop", "deliver", "/on"))
    await publish("e-1")
    await sidecar.settled()
    sidecar.clock.skip(5)
    await until(lambda: len(handled) == 2)
    await sidecar.settled()
    assert await store.get(KEY, Number) == Number(n=1)


async def test_events_arrive_in_another_order(
    sidecar: EmbeddedSidecar, handled: list[str], publish: Callable[[str], Awaitable[None]]
) -> None:
    """Those of two keys: one that is held back is overtaken by the next."""
    sidecar.faults.append(Fault("reorder", "deliver", "/on"))
    await publish("e-1")
    await publish("e-2")
    await sidecar.settled()
    assert handled == ["e-2", "e-1"]


async def test_a_fault_is_for_the_calls_that_fit(
    sidecar: EmbeddedSidecar, store: StateStore
) -> None:
    """By operation, a pattern of it, and what is in the path."""
    sidecar.faults += [Fault("error", "state.*", path="number"), Fault("error", "publish")]
    await store.get(Key("test:other"), Number)
    with pytest.raises(SidecarError):
        await store.get(KEY, Number)
    assert [fault.operation for fault in sidecar.faults] == ["publish"]
