"""State in this service: typed, never lost, counted once."""

import asyncio

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from app.core.declaration.state import StateConfig
from app.core.key import Key
from app.services.sidecar import Sidecar, SidecarError
from app.services.state import StateStore
from dev.sidecar import Fault
from dev.sidecar import Sidecar as EmbeddedSidecar

KEY = Key.of("test", "number")


class Number(BaseModel):
    """What the tests keep."""

    value: int = 0


def plus_one(number: Number | None) -> Number:
    """Return the next number."""
    return Number(value=(number.value if number else 0) + 1)


@pytest.fixture
def store(service: FastAPI) -> StateStore:
    """Return the service's store."""
    return service.state.resources.get(StateStore)


@pytest.fixture
def careful(service: FastAPI) -> StateStore:
    """Return one with ETags, whether the service's has them or not."""
    resources = service.state.resources
    config = resources.get(StateConfig).model_copy(update={"use_etag": True})
    return StateStore(resources.get(Sidecar), config)


async def test_what_is_saved_is_read_until_it_is_deleted(store: StateStore) -> None:
    """Integers stay exact, also those that Dapr would round."""
    assert await store.get(KEY, Number) is None
    await store.save(KEY, Number(value=2**53 + 1))
    assert await store.get_many([KEY], Number) == [Number(value=2**53 + 1)]
    await store.delete(KEY)
    assert await store.get(KEY, Number) is None


async def test_changes_at_the_same_time_all_count(careful: StateStore) -> None:
    """Whoever meets another's change makes their own on top of it."""
    await asyncio.gather(*(careful.update(KEY, Number, plus_one) for _ in range(3)))
    assert await careful.get(KEY, Number) == Number(value=3)


async def test_an_event_changes_an_entry_once(careful: StateStore) -> None:
    """Events may come twice."""
    for event_id in ("e-1", "e-2", "e-1"):
        number = await careful.once(event_id, KEY, Number, plus_one)
    assert number == Number(value=2)


async def test_a_store_that_fails_is_said_to(store: StateStore, sidecar: EmbeddedSidecar) -> None:
    """Nothing is made up."""
    sidecar.faults.append(Fault("error", "state.get", status=503))
    with pytest.raises(SidecarError, match="503"):
        await store.get(KEY, Number)
