"""State: ETags, and what becomes of a save that comes too late."""

from uuid import UUID

import pytest

from tests.contract.answers import done, mark, refusal
from tests.contract.differences import Difference, differs
from tests.contract.store import FIRST_WRITE, LAST_WRITE, Store

NOBODYS = "5e6c3d0e-5b1f-4b43-9b52-3f2a4c1d7e88"  # neither a UUID that is there nor a number
STALE = "77"


async def stale(store: Store, key: str) -> str:
    """Save a key twice; return the first ETag."""
    await store.put(key, "first")
    etag = await store.etag(key)
    await store.put(key, "second")
    return etag


async def test_an_etag_changes_with_each_save(store: Store) -> None:
    """Also with one of the same value."""
    key = mark()
    await store.put(key)
    before = await store.etag(key)
    await store.put(key)
    assert await store.etag(key) != before


async def test_an_etag_stays_without_a_save(store: Store) -> None:
    """Reading changes nothing."""
    key = mark()
    await store.put(key)
    assert await store.etag(key) == await store.etag(key)


@pytest.mark.only("redis")
async def test_etags_count_saves(store: Store) -> None:
    """From one."""
    key = mark()
    await store.put(key)
    assert await store.etag(key) == "1"
    await store.put(key)
    assert await store.etag(key) == "2"


@pytest.mark.only("memory", "postgresql")
async def test_etags_are_uuids(store: Store) -> None:
    """Version 4."""
    key = mark()
    await store.put(key)
    assert UUID(await store.etag(key)).version == 4


async def test_a_save_with_the_etag_succeeds(store: Store) -> None:
    """Nobody was there in between."""
    key = mark()
    await store.put(key)
    assert done(await store.put(key, 2, etag=await store.etag(key)))
    assert await store.value(key) == 2


async def test_a_save_with_a_stale_etag_is_a_conflict(store: Store) -> None:
    """The value stays."""
    key = mark()
    etag = await stale(store, key)
    assert refusal(await store.put(key, "third", etag=etag)) == (409, "ERR_STATE_SAVE")
    assert await store.value(key) == "second"


async def test_a_conflict_names_the_store(store: Store) -> None:
    """And says what may be wrong."""
    key = mark()
    message = (await store.put(key, etag=await stale(store, key))).json()["message"]
    assert message.startswith(f"failed saving state in state store {store.name}: ")
    assert "possible etag mismatch" in message


async def test_an_empty_etag_is_none(store: Store) -> None:
    """The save succeeds."""
    key = mark()
    await store.put(key)
    assert done(await store.put(key, 2, etag=""))


async def test_an_etag_on_a_key_that_is_not_there(store: Store) -> None:
    """Redis takes any, others none."""
    etag = STALE if store.facts.counts_etags else NOBODYS
    status = (await store.put(mark(), etag=etag)).status_code
    assert status == store.facts.etag_on_absent_key


async def test_an_etag_that_can_be_none(store: Store) -> None:
    """Where ETags are numbers it is a bad request, else a conflict."""
    key = mark()
    await store.put(key)
    assert (await store.put(key, etag="x y")).status_code == store.facts.malformed_etag


async def test_a_last_write_with_a_stale_etag(store: Store) -> None:
    """Wins on Redis; elsewhere it is a conflict all the same."""
    key = mark()
    etag = await stale(store, key)
    status = (await store.put(key, etag=etag, **LAST_WRITE)).status_code
    assert status == store.facts.stale_etag_last_write


async def test_a_last_write_wins(store: Store) -> None:
    """That is what a save without options does, too."""
    key = mark()
    await store.put(key)
    assert done(await store.put(key, 2, **LAST_WRITE))
    assert await store.value(key) == 2


async def test_a_first_write_of_a_new_key_succeeds(store: Store) -> None:
    """Nobody was first."""
    key = mark()
    assert done(await store.put(key, **FIRST_WRITE))
    assert await store.value(key) == 1


async def test_a_second_first_write_fails(store: Store) -> None:
    """As a conflict in memory, as a failure elsewhere."""
    key = mark()
    await store.put(key, **FIRST_WRITE)
    answer = await store.put(key, 2, **FIRST_WRITE)
    assert refusal(answer) == (store.facts.first_write_lost, "ERR_STATE_SAVE")
    assert await store.value(key) == 1


async def test_a_first_write_after_a_save_without_options(store: Store) -> None:
    """Redis does not notice."""
    key = mark()
    await store.put(key)
    status = (await store.put(key, 2, **FIRST_WRITE)).status_code
    assert status == store.facts.first_write_after_plain


async def test_a_save_without_options_after_a_first_write(store: Store) -> None:
    """Redis asks for an ETag from then on."""
    key = mark()
    await store.put(key, **FIRST_WRITE)
    assert (await store.put(key, 2)).status_code == store.facts.plain_after_first_write


async def test_a_first_write_with_the_etag_succeeds(store: Store) -> None:
    """It is the usual guarded save."""
    key = mark()
    await store.put(key, **FIRST_WRITE)
    assert done(await store.put(key, 2, etag=await store.etag(key), **FIRST_WRITE))


async def test_a_first_write_with_a_stale_etag_is_a_conflict(store: Store) -> None:
    """It is the usual guarded save."""
    key = mark()
    etag = await stale(store, key)
    assert (await store.put(key, 3, etag=etag, **FIRST_WRITE)).status_code == 409


async def test_a_deleted_key_can_be_written_first(store: Store) -> None:
    """It is as if it had never been."""
    key = mark()
    await store.put(key, **FIRST_WRITE)
    await store.delete(key)
    assert done(await store.put(key, **FIRST_WRITE))


@pytest.mark.only("redis")
async def test_etags_begin_anew_after_a_delete(store: Store) -> None:
    """Two values of one key can so have the same ETag."""
    key = mark()
    await store.put(key)
    await store.delete(key)
    await store.put(key)
    assert await store.etag(key) == "1"


@differs(Difference.WORDS)
async def test_an_unknown_concurrency_is_a_failure(store: Store) -> None:
    """Only the two words are known."""
    options = {"options": {"concurrency": "best-write"}}
    answer = await store.put(mark(), **options)
    assert refusal(answer) == (500, "ERR_STATE_SAVE")


@differs(Difference.WORDS)
async def test_an_unknown_consistency_is_a_failure(store: Store) -> None:
    """Only the two words are known."""
    answer = await store.put(mark(), options={"consistency": "some"})
    assert refusal(answer) == (500, "ERR_STATE_SAVE")


@pytest.mark.parametrize("word", ["strong", "eventual"])
async def test_consistency_can_be_asked_for(word: str, store: Store) -> None:
    """In saves, reads and deletes."""
    key = mark()
    assert done(await store.put(key, options={"consistency": word}))
    assert (await store.http.get(store.at(key, f"consistency={word}"))).json() == 1
    assert done(await store.delete(key, query=f"consistency={word}"))


async def test_a_delete_with_the_etag_succeeds(store: Store) -> None:
    """In `If-Match`."""
    key = mark()
    await store.put(key)
    assert done(await store.delete(key, await store.etag(key)))
    assert await store.value(key) is None


async def test_a_delete_with_a_stale_etag_is_a_conflict(store: Store) -> None:
    """The value stays."""
    key = mark()
    etag = await stale(store, key)
    answer = await store.delete(key, etag)
    assert refusal(answer) == (409, "ERR_STATE_DELETE")
    assert await store.value(key) == "second"


async def test_a_failed_delete_names_the_key(store: Store) -> None:
    """In the message, and not the store."""
    key = mark()
    message = (await store.delete(key, await stale(store, key))).json()["message"]
    assert message.startswith(f"failed deleting state with key {key}: possible etag mismatch")


async def test_a_delete_of_what_is_not_there_with_an_etag(store: Store) -> None:
    """Redis does not mind."""
    etag = STALE if store.facts.counts_etags else NOBODYS
    assert (await store.delete(mark(), etag)).status_code == store.facts.delete_absent_with_etag


async def test_an_if_match_that_can_be_none(store: Store) -> None:
    """A delete takes it for a conflict everywhere."""
    key = mark()
    await store.put(key)
    assert (await store.delete(key, "xy")).status_code == store.facts.malformed_if_match


async def test_a_delete_as_last_write_with_a_stale_etag(store: Store) -> None:
    """The ETag counts."""
    key = mark()
    etag = await stale(store, key)
    answer = await store.delete(key, etag, "concurrency=last-write")
    assert answer.status_code == 409


@differs(Difference.WORDS, "memory", "redis")
async def test_a_delete_with_an_unknown_concurrency_is_a_failure(store: Store) -> None:
    """Only the two words are known; PostgreSQL does not look."""
    status = (await store.delete(mark(), query="concurrency=some")).status_code
    assert status == store.facts.delete_unknown_concurrency


@pytest.mark.only("redis", "postgresql")
async def test_what_was_written_first_can_be_deleted(store: Store) -> None:
    """Without an ETag."""
    key = mark()
    await store.put(key, **FIRST_WRITE)
    assert done(await store.delete(key))


@pytest.mark.only("memory")
async def test_a_first_write_delete_asks_for_an_etag(store: Store) -> None:
    """Where the key is there."""
    key = mark()
    await store.put(key)
    assert (await store.delete(key, query="concurrency=first-write")).status_code == 409
