"""State: typed, never lost, counted once; the same on every store."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, RootModel

from app.core import declaration
from app.core.declaration.state import StateConfig
from app.core.errors import ConflictError, InvalidIdError
from app.core.key import Key
from app.services.sidecar import Answer, Sidecar, SidecarError
from app.services.state import SEEN, Entry, StateStore, mark_of, read
from dev.sidecar import Sidecar as EmbeddedSidecar

KEY = Key.of("test", "number")
LONG = pytest.param("😀" * 128, id="long")
PARTS = ["a/b", "a||b", "a:b", "a%2Fb", "a b?c#d", "ä", ".", "a+b&c", "\ud800", LONG]


class Number(BaseModel):
    """What the tests keep."""

    value: int = 0


def plus_one(number: Number | None) -> Number:
    """Return the next number."""
    return Number(value=(number.value if number else 0) + 1)


class Watched(Sidecar):
    """The connection: tells of each call, and may answer in the sidecar's place."""

    def __init__(self, real: Sidecar) -> None:
        self._real = real
        self.calls: list[tuple[str, Any]] = []
        self.before: Callable[[str], Awaitable[Answer | None]] | None = None

    async def call(self, operation: str, method: str, path: str, **how: Any) -> Answer:
        """Pass a call on."""
        self.calls.append((operation, json.loads(how.get("body") or "null")))
        answer = await self.before(operation) if self.before else None
        return answer or await self._real.call(operation, method, path, **how)

    def saved(self) -> dict[str, Any]:
        """Return the item saved last."""
        return next(
            body[0] for operation, body in reversed(self.calls) if operation == "state.save"
        )


@pytest.fixture
def config() -> StateConfig:
    """Return the declared configuration, with ETags."""
    declared = declaration.load(Path("app/service.yaml")).section(StateConfig)
    return declared.model_copy(update={"use_etag": True, "ttl_seconds": None})


@pytest.fixture
def watched(connection: Sidecar) -> Watched:
    """Return the connection, watched."""
    return Watched(connection)


@pytest.fixture
def store(watched: Watched, config: StateConfig) -> StateStore:
    """Return the store."""
    return StateStore(watched, config)


async def test_what_is_not_there_is_none(store: StateStore) -> None:
    """No error, no default."""
    assert await store.get(KEY, Number) is None


async def test_what_is_deleted_is_gone(store: StateStore) -> None:
    """Deleting what is not there is no error."""
    await store.save(KEY, Number(value=1))
    await store.delete(KEY)
    await store.delete(KEY)
    assert await store.get(KEY, Number) is None


@pytest.mark.parametrize("value", [0, -1, 2**53 + 1, 10**40])
async def test_integers_stay_exact(store: StateStore, value: int) -> None:
    """Dapr holds numbers as float64; what is stored is text."""
    await store.save(KEY, Number(value=value))
    assert await store.get(KEY, Number) == Number(value=value)


@pytest.mark.parametrize("part", PARTS)
async def test_any_id_makes_a_key(store: StateStore, part: str) -> None:
    """One that no other id makes."""
    for before in (["test"], []):
        key, other = Key.of(*before, part), Key.of(*before, part.replace("%2F", "/") + ".")
        await store.save(key, Number(value=1))
        await store.save(other, Number(value=2))
        assert await store.get(key, Number) == Number(value=1)
        await store.delete(key)
        assert await store.get_many([key, other], Number) == [None, Number(value=2)]


async def test_keys_have_the_declared_prefix(watched: Watched, config: StateConfig) -> None:
    """With a colon; none where none is declared."""
    for prefix, name in (("orders", "orders:test:number"), ("", "test:number")):
        store = StateStore(watched, config.model_copy(update={"key_prefix": prefix}))
        await store.save(KEY, Number())
        assert watched.saved()["key"] == name


async def test_an_entry_lives_as_long_as_its_key_says(
    watched: Watched, config: StateConfig
) -> None:
    """Else as long as the declaration says, else for good."""
    declared = StateStore(watched, config.model_copy(update={"ttl_seconds": 60}))
    await declared.save(Key.of("test", ttl=5), Number())
    assert watched.saved()["metadata"] == {"ttlInSeconds": "5"}
    await declared.save(KEY, Number())
    assert watched.saved()["metadata"] == {"ttlInSeconds": "60"}
    await StateStore(watched, config).save(KEY, Number())
    assert watched.saved()["metadata"] == {"ttlInSeconds": "-1"}


async def test_an_entry_whose_end_is_taken_away_stays(
    store: StateStore, sidecar: EmbeddedSidecar
) -> None:
    """Redis keeps the one that runs where a save names none; a transaction is no other."""
    other = Key.of("test", "other")
    for key in (KEY, other):
        await store.save(Key(key.text, ttl=60), Number())
    await store.save(KEY, Number(value=1))
    await store.transact({other: Number(value=2)})
    sidecar.clock.skip(61)
    assert await store.get_many([KEY, other], Number) == [Number(value=1), Number(value=2)]


async def test_several_are_read_in_one_call(store: StateStore, watched: Watched) -> None:
    """In the order asked for, with None where nothing is."""
    await store.save(KEY, Number(value=1))
    found = await store.get_many([Key.of("none"), KEY], Number)
    assert found == [None, Number(value=1)]
    assert [operation for operation, _ in watched.calls].count("state.bulk_get") == 1


async def test_one_that_can_not_be_read_is_no_missing_one(
    store: StateStore, watched: Watched
) -> None:
    """A bulk get answers 200 also where the store fails for a key: taken for None, it is lost."""

    async def fail(operation: str) -> Answer:
        return Answer(200, {}, b'[{"key": "test", "error": "the store is away"}]')

    watched.before = fail
    with pytest.raises(SidecarError):
        await store.get_many([KEY], Number)


async def test_a_transaction_saves_and_deletes(store: StateStore) -> None:
    """Several entries at once, also those that a change has made."""
    other, third = Key.of("test", "other"), Key.of("test", "third")
    await store.save(KEY, Number(value=1))
    await store.update(other, Number, plus_one)
    await store.transact({third: Number(value=3), other: Number(value=2)}, [KEY])
    found = await store.get_many([KEY, other, third], Number)
    assert found == [None, Number(value=2), Number(value=3)]


async def test_a_change_takes_in_what_others_wrote_meanwhile(
    store: StateStore, watched: Watched, config: StateConfig, connection: Sidecar
) -> None:
    """A conflict is read again and tried again, on an absent entry, too."""
    others = StateStore(connection, config)
    for start in (None, Number(value=1)):
        key = Key.of("test", str(start))
        if start:
            await others.save(key, start)
        once = [Number(value=10)]

        async def meddle(operation: str, key: Key = key, once: list[Number] = once) -> None:
            if operation == "state.save" and once:
                await others.update(key, Number, lambda _: once.pop())

        watched.before = meddle
        assert await store.update(key, Number, plus_one) == Number(value=11)
        watched.before = None


async def test_three_conflicts_in_a_row_are_an_error(
    store: StateStore, watched: Watched, config: StateConfig, connection: Sidecar
) -> None:
    """And nothing of the change is stored."""
    others = StateStore(connection, config)
    await others.save(KEY, Number(value=100))

    async def meddle(operation: str) -> None:
        if operation == "state.save":
            await others.update(KEY, Number, plus_one)

    watched.before = meddle
    with pytest.raises(ConflictError):
        await store.update(KEY, Number, lambda _: Number(value=-1))
    assert await others.get(KEY, Number) == Number(value=103)


async def test_without_etags_the_last_write_wins(watched: Watched, config: StateConfig) -> None:
    """As declared."""
    store = StateStore(watched, config.model_copy(update={"use_etag": False}))
    await store.update(KEY, Number, plus_one)
    await store.update(KEY, Number, plus_one)
    assert not {"etag", "options"} & watched.saved().keys()
    assert await store.get(KEY, Number) == Number(value=2)


async def test_an_event_changes_an_entry_once(store: StateStore) -> None:
    """However often it comes, other events in between."""
    for event_id in ("a", "b", "a", "b", "a"):
        seen = await store.once(event_id, KEY, Number, plus_one)
    assert seen == await store.get(KEY, Number) == Number(value=2)


async def test_an_event_that_comes_twice_at_once_counts_once(store: StateStore) -> None:
    """Two replicas may get it side by side."""
    await asyncio.gather(*(store.once("a", KEY, Number, plus_one) for _ in range(3)))
    assert await store.get(KEY, Number) == Number(value=1)


async def test_what_was_seen_stays_through_other_changes(store: StateStore) -> None:
    """An update forgets no event."""
    await store.once("a", KEY, Number, plus_one)
    await store.update(KEY, Number, plus_one)
    assert await store.once("a", KEY, Number, plus_one) == Number(value=2)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_not_stored(value: float) -> None:
    """JSON has a null for it, which may be nothing that the model can read again."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        Entry(RootModel[float | None](value)).document()


def test_the_oldest_events_beyond_the_limit_are_forgotten() -> None:
    """An entry stays small: what it remembers of its events is short, and reads back as it was."""
    marks = tuple(mark_of(f"event-{n}") for n in range(SEEN + 2))
    stored = Entry(Number(value=0), seen=marks).document()
    assert read(stored, None, Number).seen == marks[2:]
    assert len(stored) < 13_000


async def test_what_a_change_has_made_can_be_saved_over(store: StateStore) -> None:
    """On Redis such an entry asks for its ETag for ever."""
    await store.update(KEY, Number, plus_one)
    await store.save(KEY, Number(value=7))
    assert await store.get(KEY, Number) == Number(value=7)


async def test_an_entry_is_not_deleted_unseen(store: StateStore) -> None:
    """With an ETag that is no longer true it stays."""
    await store.save(KEY, Number(value=1))
    etag = (await store.entry(KEY, Number)).etag
    await store.save(KEY, Number(value=2))
    with pytest.raises(ConflictError):
        await store.delete(KEY, etag)
    await store.delete(KEY, (await store.entry(KEY, Number)).etag)
    assert await store.get(KEY, Number) is None


async def test_a_store_that_fails_is_said_to(store: StateStore, watched: Watched) -> None:
    """With Dapr's own code; a failure is no conflict and is not retried."""

    async def fail(operation: str) -> Answer | None:
        body = b'{"errorCode": "ERR_STATE_SAVE", "message": "down"}'
        return Answer(500, {}, body) if operation == "state.save" else None

    watched.before = fail
    with pytest.raises(SidecarError, match=r"state\.save failed with 500 ERR_STATE_SAVE") as caught:
        await store.update(KEY, Number, plus_one)
    assert (caught.value.answered, caught.value.error_code) == (500, "ERR_STATE_SAVE")
    assert [operation for operation, _ in watched.calls].count("state.save") == 1


@pytest.mark.parametrize("there", [True, False])
async def test_a_store_that_takes_no_writes_is_no_conflict(
    store: StateStore, watched: Watched, there: bool
) -> None:
    """Of Redis, Dapr tells any failure of a delete, or of a save with an ETag, as a conflict."""
    if there:
        await store.update(KEY, Number, plus_one)

    async def refuse(operation: str) -> Answer | None:
        if operation == "state.save":
            return Answer(409 if watched.saved().get("etag") else 500, {}, b"{}")
        return Answer(409, {}, b"{}") if operation == "state.delete" else None

    watched.before = refuse
    etag = (await store.entry(KEY, Number)).etag
    for write in (
        lambda: store.update(KEY, Number, plus_one),
        lambda: store.once("a", KEY, Number, plus_one),
        lambda: store.save(KEY, Number()),
        lambda: store.delete(KEY),
        lambda: store.delete(KEY, etag),
    ):
        with pytest.raises(SidecarError) as caught:
            await write()
        assert caught.value.answered == 500  # so an event is postponed


def test_a_key_holds_no_empty_part_and_has_an_end() -> None:
    """Whoever names such an id is told so."""
    for parts in (("test", ""), ("x" * 2049,)):
        with pytest.raises(InvalidIdError, match="2048"):
            Key.of(*parts)
