"""State: values that end."""

from datetime import datetime

import pytest

from tests.contract.answers import done, mark, refusal
from tests.contract.differences import Difference, differs
from tests.contract.store import FIRST_WRITE, Store, item, upsert
from tests.contract.world import World

SHORT, LONG = {"metadata": {"ttlInSeconds": "1"}}, {"metadata": {"ttlInSeconds": "1000"}}
AFTER = 2.1
EXPIRES = "metadata.ttlexpiretime"


async def test_a_value_ends(store: Store, world: World) -> None:
    """After its time to live."""
    key = mark()
    assert done(await store.put(key, **LONG))
    assert await store.value(key) == 1
    assert done(await store.put(key, **SHORT))
    await world.sleep(AFTER)
    answer = await store.get(key)
    assert done(answer)
    assert "etag" not in answer.headers


async def test_the_query_can_tell_the_time(store: Store, world: World) -> None:
    """For all entries of a save."""
    key = mark()
    await store.save([item(key)], "metadata.ttlInSeconds=1")
    await world.sleep(AFTER)
    assert await store.value(key) is None


async def test_the_query_wins_over_the_entry(store: Store, world: World) -> None:
    """Where both tell a time."""
    key = mark()
    await store.save([item(key, **LONG)], "metadata.ttlInSeconds=1")
    await world.sleep(AFTER)
    assert await store.value(key) is None


async def test_headers_tell_no_time(store: Store, world: World) -> None:
    """Metadata is never read from them."""
    key = mark()
    headers = {"metadata.ttlInSeconds": "1"}
    await store.http.post(store.url(), json=[item(key)], headers=headers)
    await world.sleep(AFTER)
    assert await store.value(key) == 1


async def test_a_save_without_a_time(store: Store, world: World) -> None:
    """Makes the value stay, but on Redis."""
    key = mark()
    await store.put(key, **SHORT)
    await store.put(key, 2)
    await world.sleep(AFTER)
    assert (await store.value(key) == 2) == store.facts.save_ends_ttl


async def test_a_new_time_counts(store: Store, world: World) -> None:
    """From the last save on."""
    key = mark()
    await store.put(key, **SHORT)
    await store.put(key, 2, **LONG)
    await world.sleep(AFTER)
    assert await store.value(key) == 2


async def test_a_negative_time_is_for_good(store: Store, world: World) -> None:
    """It ends the one before, in a transaction, too."""
    key, other, never = mark(), mark(), {"metadata": {"ttlInSeconds": "-1"}}
    await store.save([item(key, **SHORT), item(other, **SHORT)])
    assert done(await store.put(key, 2, **never))
    assert done(await store.transact(upsert(other, 2, **never), upsert(mark(), **never)))
    await world.sleep(AFTER)
    assert [await store.value(key), await store.value(other)] == [2, 2]


async def test_zero_is_for_good(store: Store, world: World) -> None:
    """It is no time at all."""
    key = mark()
    assert done(await store.put(key, metadata={"ttlInSeconds": "0"}))
    await world.sleep(AFTER)
    assert await store.value(key) == 1


@pytest.mark.parametrize("time", ["soon", "--5", " 5", "1_0", "٣", "9" * 20])
async def test_a_time_that_is_no_number_is_a_failure(time: str, store: Store) -> None:
    """Nothing is saved; numbers have 64 bits."""
    key = mark()
    answer = await store.put(key, metadata={"ttlInSeconds": time})
    assert refusal(answer) == (500, "ERR_STATE_SAVE")
    assert await store.value(key) is None


async def test_an_empty_time_is_none(store: Store) -> None:
    """As if it were not there."""
    key = mark()
    assert done(await store.put(key, metadata={"ttlInSeconds": ""}))
    assert await store.value(key) == 1


@differs(Difference.ENDS, "memory", "postgresql")
async def test_when_a_value_ends_is_told(store: Store) -> None:
    """In a header, but by Redis."""
    key = mark()
    await store.put(key, **LONG)
    headers = (await store.get(key)).headers
    assert (EXPIRES in headers) == store.facts.reports_ttl
    if told := headers.get(EXPIRES):
        assert datetime.fromisoformat(told).tzinfo


async def test_a_value_for_good_tells_no_end(store: Store) -> None:
    """There is none."""
    key = mark()
    await store.put(key)
    assert EXPIRES not in (await store.get(key)).headers


@differs(Difference.ENDS, "memory", "postgresql")
async def test_a_bulk_get_tells_when_values_end(store: Store) -> None:
    """In their metadata, but by Redis."""
    key = mark()
    await store.put(key, **LONG)
    (found,) = (await store.bulk(key)).json()
    assert ("ttlExpireTime" in found.get("metadata", {})) == store.facts.reports_ttl


async def test_a_bulk_get_does_not_find_what_ended(store: Store, world: World) -> None:
    """It is a miss."""
    key = mark()
    await store.put(key, **SHORT)
    await world.sleep(AFTER)
    assert "data" not in (await store.bulk(key)).json()[0]


async def test_what_ended_can_be_written_first(store: Store, world: World) -> None:
    """It is as if it had never been."""
    key = mark()
    await store.put(key, **SHORT, **FIRST_WRITE)
    await world.sleep(AFTER)
    assert done(await store.put(key, 2, **FIRST_WRITE))


@pytest.mark.only("memory", "postgresql")
async def test_the_etag_of_what_ended_is_stale(store: Store, world: World) -> None:
    """A save with it is a conflict."""
    key = mark()
    etag = None
    while not etag:  # it may end before it is read
        await store.put(key, **SHORT)
        etag = (await store.get(key)).headers.get("etag")
    await world.sleep(AFTER)
    assert (await store.put(key, 2, etag=etag)).status_code == 409


async def test_a_transaction_can_tell_a_time(store: Store, world: World) -> None:
    """For each entry."""
    ends, stays = mark(), mark()
    await store.transact(upsert(ends, **SHORT), upsert(stays))
    await world.sleep(AFTER)
    assert [await store.value(ends), await store.value(stays)] == [None, 1]


async def test_the_query_tells_the_time_of_a_transaction(store: Store, world: World) -> None:
    """For all entries."""
    key = mark()
    await store.transact(upsert(key), query="metadata.ttlInSeconds=1")
    await world.sleep(AFTER)
    assert await store.value(key) is None
