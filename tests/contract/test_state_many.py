"""State: several keys at once, read and in transactions."""

from tests.contract.answers import done, mark, refusal
from tests.contract.store import FIRST_WRITE, Store, item, remove, upsert


async def test_a_bulk_get_finds_what_is_there(store: Store) -> None:
    """Each with value and ETag."""
    keys = [mark(), mark()]
    await store.save([item(key, n) for n, key in enumerate(keys)])
    answer = await store.bulk(*keys)
    assert answer.status_code == 200
    found = {each["key"]: (each["data"], each["etag"]) for each in answer.json()}
    assert found == {key: (n, await store.etag(key)) for n, key in enumerate(keys)}


async def test_a_bulk_get_names_what_is_not_there(store: Store) -> None:
    """By the key alone."""
    key = mark()
    assert (await store.bulk(key)).json() == [{"key": key}]


async def test_the_order_of_a_bulk_get(store: Store) -> None:
    """That of the question; on PostgreSQL misses come last."""
    miss, hit = mark(), mark()
    await store.put(hit)
    found = [each["key"] for each in (await store.bulk(miss, hit)).json()]
    assert found == ([miss, hit] if store.facts.bulk_in_order else [hit, miss])


async def test_a_bulk_get_of_nothing_is_empty(store: Store) -> None:
    """And fine."""
    answer = await store.bulk()
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_bulk_get_may_be_put(store: Store) -> None:
    """Both verbs are there."""
    key = mark()
    await store.put(key)
    answer = await store.http.put(store.url("/bulk"), json={"keys": [key]})
    assert answer.json()[0]["data"] == 1


async def test_parallelism_can_be_named(store: Store) -> None:
    """It changes nothing that one sees."""
    keys = [mark() for _ in range(5)]
    await store.save([item(key) for key in keys])
    body = {"keys": keys, "parallelism": 2}
    answer = await store.http.post(store.url("/bulk"), json=body)
    assert sorted(each["key"] for each in answer.json() if each["data"] == 1) == sorted(keys)


async def test_a_bulk_get_is_json(store: Store) -> None:
    """So says its content type."""
    assert (await store.bulk(mark())).headers["content-type"] == "application/json"


async def test_a_transaction_saves_and_deletes(store: Store) -> None:
    """And says nothing."""
    old, new = mark(), mark()
    await store.put(old)
    assert done(await store.transact(upsert(new, 2), remove(old)))
    assert [await store.value(old), await store.value(new)] == [None, 2]


async def test_a_transaction_may_be_put(store: Store) -> None:
    """Both verbs are there."""
    key = mark()
    body = {"operations": [upsert(key)]}
    assert done(await store.http.put(store.url("/transaction"), json=body))
    assert await store.value(key) == 1


async def test_a_transaction_of_nothing_is_done(store: Store) -> None:
    """Whether the list is empty or missing."""
    assert done(await store.transact())
    assert done(await store.http.post(store.url("/transaction"), json={}))


async def test_steps_come_one_after_the_other(store: Store) -> None:
    """The last one wins."""
    key = mark()
    assert done(await store.transact(upsert(key, 1), remove(key), upsert(key, 3)))
    assert await store.value(key) == 3


async def test_a_transaction_with_the_etag_succeeds(store: Store) -> None:
    """In saves and deletes."""
    kept, gone = mark(), mark()
    await store.save([item(kept), item(gone)])
    etags = await store.etag(kept), await store.etag(gone)
    answer = await store.transact(upsert(kept, 2, etag=etags[0]), remove(gone, etag=etags[1]))
    assert done(answer)
    assert [await store.value(kept), await store.value(gone)] == [2, None]


async def test_a_transaction_with_a_stale_etag_fails(store: Store) -> None:
    """With 500, unlike a save."""
    key = mark()
    await store.put(key, 1)
    etag = await store.etag(key)
    await store.put(key, 2)
    answer = await store.transact(upsert(key, 3, etag=etag))
    assert refusal(answer) == (500, "ERR_STATE_TRANSACTION")
    assert await store.value(key) == 2


async def test_a_failed_transaction_says_so(store: Store) -> None:
    """In the message."""
    key = mark()
    await store.put(key, 1)
    etag = await store.etag(key)
    await store.put(key, 2)
    message = (await store.transact(upsert(key, 3, etag=etag))).json()["message"]
    assert message.startswith("error while executing state transaction: ")


async def test_a_transaction_with_a_stale_delete_fails(store: Store) -> None:
    """With 500, unlike a delete."""
    key = mark()
    await store.put(key, 1)
    etag = await store.etag(key)
    await store.put(key, 2)
    answer = await store.transact(remove(key, etag=etag))
    assert refusal(answer) == (500, "ERR_STATE_TRANSACTION")
    assert await store.value(key) == 2


async def test_what_a_failed_transaction_leaves(store: Store) -> None:
    """Nothing, but on Redis, which makes the other steps."""
    key, before, after = mark(), mark(), mark()
    await store.put(key, 1)
    etag = await store.etag(key)
    await store.put(key, 2)
    await store.transact(upsert(before), upsert(key, 3, etag=etag), upsert(after))
    left = None if store.facts.rolls_back else 1
    assert [await store.value(before), await store.value(after)] == [left, left]


async def test_an_unknown_step_is_refused(store: Store) -> None:
    """With a code of its own; nothing is saved."""
    key = mark()
    answer = await store.transact(upsert(key), {"operation": "read", "request": {"key": key}})
    assert refusal(answer) == (400, "ERR_NOT_SUPPORTED_STATE_OPERATION")
    assert answer.json()["message"] == "operation type read not supported"
    assert await store.value(key) is None


async def test_numbers_of_a_transaction_lose_digits(store: Store) -> None:
    """As those of a save."""
    key = mark()
    await store.transact(upsert(key, 2**53 + 1))
    assert await store.value(key) == 2**53


async def test_a_first_write_in_a_transaction(store: Store) -> None:
    """Fails where the key is there, but on Redis, which does not look."""
    key = mark()
    await store.put(key)
    status = (await store.transact(upsert(key, 2, **FIRST_WRITE))).status_code
    assert (status == 204) == store.facts.counts_etags


async def test_a_marker_that_is_there_fails_a_transaction(store: Store) -> None:
    """If it was written first; on Redis the effect beside it is there all the same."""
    marker, effect = mark(), mark()
    await store.put(marker, **FIRST_WRITE)
    answer = await store.transact(upsert(effect), upsert(marker, **FIRST_WRITE))
    assert refusal(answer) == (500, "ERR_STATE_TRANSACTION")
    assert await store.value(effect) == (None if store.facts.rolls_back else 1)


async def test_a_first_write_of_a_transaction_guards_nothing(store: Store) -> None:
    """A save without options comes after it, on Redis, too."""
    key = mark()
    assert done(await store.transact(upsert(key, **FIRST_WRITE)))
    assert done(await store.put(key, 2))


async def test_an_etag_of_a_transaction_that_can_be_none(store: Store) -> None:
    """Fails it, whatever a save would say."""
    key = mark()
    await store.put(key)
    answer = await store.transact(upsert(key, 2, etag="x y"))
    assert refusal(answer) == (500, "ERR_STATE_TRANSACTION")
    assert await store.value(key) == 1


async def test_nothing_can_be_queried(store: Store) -> None:
    """That takes PostgreSQL v1, or Redis with modules."""
    url = f"/v1.0-alpha1/state/{store.name}/query"
    assert (await store.http.post(url, json={"filter": {}})).status_code >= 400


async def test_keys_can_be_asked_for_twice(store: Store) -> None:
    """In one bulk get, of what is not there."""
    key = mark()
    assert (await store.bulk(key, key)).json() == [{"key": key}] * 2
