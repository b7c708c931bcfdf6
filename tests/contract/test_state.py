"""State: what is saved, read and deleted."""

from tests.contract.answers import done, mark
from tests.contract.differences import Difference, differs
from tests.contract.store import Store, item


async def test_a_save_is_answered_with_204(store: Store) -> None:
    """And with nothing else."""
    assert done(await store.put(mark()))


async def test_a_hit_is_200(store: Store) -> None:
    """With the value as the body."""
    key = mark()
    await store.put(key, {"a": [1, "b", None, True]})
    answer = await store.get(key)
    assert (answer.status_code, answer.json()) == (200, {"a": [1, "b", None, True]})


async def test_a_hit_is_json(store: Store) -> None:
    """So says its content type."""
    key = mark()
    await store.put(key)
    assert (await store.get(key)).headers["content-type"] == "application/json"


async def test_a_miss_is_204(store: Store) -> None:
    """Without an ETag."""
    answer = await store.get(mark())
    assert done(answer)
    assert "etag" not in answer.headers


async def test_put_saves_as_post_does(store: Store) -> None:
    """Both verbs are there."""
    key = mark()
    assert done(await store.http.put(store.url(), json=[item(key, 2)]))
    assert await store.value(key) == 2


async def test_a_second_save_overwrites(store: Store) -> None:
    """Whatever the value was."""
    key = mark()
    await store.put(key, "old")
    await store.put(key, {"new": True})
    assert await store.value(key) == {"new": True}


async def test_several_entries_are_saved_at_once(store: Store) -> None:
    """Each under its own key."""
    keys = [mark(), mark(), mark()]
    assert done(await store.save([item(key, n) for n, key in enumerate(keys)]))
    assert [await store.value(key) for key in keys] == [0, 1, 2]


async def test_nothing_can_be_saved(store: Store) -> None:
    """An empty list is fine."""
    assert done(await store.save([]))


async def test_one_entry_that_fails_stops_no_other(store: Store) -> None:
    """A save of several is not atomic."""
    taken, free = mark(), mark()
    await store.put(taken, 1)
    etag = await store.etag(taken)
    await store.put(taken, 2)
    answer = await store.save([item(taken, 3, etag=etag), item(free, 3)])
    assert answer.status_code == 409
    assert [await store.value(taken), await store.value(free)] == [2, 3]


async def test_a_delete_is_answered_with_204(store: Store) -> None:
    """And the key is a miss."""
    key = mark()
    await store.put(key)
    assert done(await store.delete(key))
    assert (await store.get(key)).status_code == 204


async def test_what_is_not_there_can_be_deleted(store: Store) -> None:
    """As often as one likes."""
    assert done(await store.delete(mark()))


async def test_a_string_is_read_as_json(store: Store) -> None:
    """In quotes."""
    key = mark()
    await store.put(key, "text")
    assert (await store.get(key)).content == b'"text"'


async def test_null_is_a_value(store: Store) -> None:
    """Not a miss."""
    key = mark()
    await store.put(key, None)
    answer = await store.get(key)
    assert (answer.status_code, answer.content) == (200, b"null")


async def test_an_entry_without_a_value_is_null(store: Store) -> None:
    """It is saved."""
    key = mark()
    assert done(await store.save([{"key": key}]))
    assert (await store.get(key)).content == b"null"


async def test_large_integers_lose_digits(store: Store) -> None:
    """Values pass through float64."""
    key = mark()
    await store.put(key, {"n": 2**53 + 1})
    assert await store.value(key) == {"n": 2**53}


async def test_json_text_keeps_its_digits(store: Store) -> None:
    """A string is not looked into."""
    key, text = mark(), '{"n":9007199254740993}'
    await store.put(key, text)
    assert await store.value(key) == text


@differs(Difference.DIGITS, "redis")
async def test_fractions_survive(store: Store) -> None:
    """As far as float64 goes; on Redis six digits after the point."""
    key, numbers = mark(), [1.5, -0.25, 0.123456789]
    await store.put(key, numbers)
    assert await store.value(key) == [round(n, store.facts.digits) for n in numbers]


async def test_whole_fractions_become_integers(store: Store) -> None:
    """Go writes no `.0`."""
    key = mark()
    await store.put(key, 2.0)
    assert (await store.get(key)).content == b"2"


async def test_very_large_numbers_have_an_exponent(store: Store) -> None:
    """From 10^21 on."""
    key = mark()
    await store.http.post(store.url(), content=f'[{{"key":"{key}","value":1{"0" * 21}}}]')
    assert (await store.get(key)).content == b"1e+21"


async def test_other_alphabets_survive(store: Store) -> None:
    """And what is not in any."""
    key, text = mark(), "Größe 学习 🎓 \u0000\u2028 <a&b>"
    await store.put(key, text)
    assert await store.value(key) == text


async def test_a_value_can_be_large(store: Store) -> None:
    """A megabyte, say."""
    key, text = mark(), "x" * 1_000_000
    assert done(await store.put(key, text))
    assert await store.value(key) == text


async def test_content_may_have_no_type(store: Store) -> None:
    """A body is JSON whatever it says."""
    key = mark()
    body = f'[{{"key":"{key}","value":1}}]'
    assert done(await store.http.post(store.url(), content=body))
    assert await store.value(key) == 1
