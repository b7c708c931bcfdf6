"""State: keys, and who sees them."""

from dataclasses import replace

import pytest

from tests.contract.answers import done, mark, refusal
from tests.contract.differences import Difference, differs
from tests.contract.fleet import OTHER
from tests.contract.store import Store, item, upsert
from tests.contract.world import Replica, World


@pytest.mark.parametrize(
    "text",
    ["a/b", "with space", "größe-学", "a:b", "a?b", "a#b", "a%2Fb", "a+b", "a|b", "a'b\"c", "a..b"],
)
async def test_any_character_is_fine_in_a_key(text: str, store: Store) -> None:
    """Where it is quoted in the path."""
    key = mark() + text
    await store.put(key, text)
    assert await store.value(key) == text
    assert done(await store.delete(key))
    assert await store.value(key) is None


async def test_keys_can_be_long(store: Store) -> None:
    """A thousand characters."""
    key = mark() + "k" * 1000
    await store.put(key, 5)
    assert await store.value(key) == 5


async def test_a_slash_in_the_path_is_not_in_the_key(store: Store) -> None:
    """It has to be quoted."""
    key = mark()
    await store.put(f"{key}/b")
    assert (await store.http.get(store.url(f"/{key}/b"))).status_code == 404


async def test_a_slash_at_the_end_of_the_path_is_nothing(store: Store) -> None:
    """Quoted it is part of the key."""
    key = mark()
    await store.save([item(key, 1), item(f"{key}/", 2)])
    assert (await store.http.get(store.url(f"/{key}/"))).text == "1"
    assert done(await store.http.delete(store.url(f"/{key}/")))
    assert [await store.value(key), await store.value(f"{key}/")] == [None, 2]


async def test_keys_differ_by_case(store: Store) -> None:
    """None is taken for another."""
    key = mark()
    await store.put(key)
    assert await store.value(key.upper()) is None


async def test_bars_are_refused_in_a_save(store: Store) -> None:
    """They part a prefix from its key."""
    assert refusal(await store.put("a||b")) == (400, "ERR_MALFORMED_REQUEST")


async def test_bars_are_refused_in_a_get(store: Store) -> None:
    """They part a prefix from its key."""
    assert refusal(await store.get("a||b")) == (400, "ERR_MALFORMED_REQUEST")


async def test_bars_are_refused_in_a_delete(store: Store) -> None:
    """They part a prefix from its key."""
    assert refusal(await store.delete("a||b")) == (400, "ERR_MALFORMED_REQUEST")


async def test_bars_are_refused_in_a_bulk_get(store: Store) -> None:
    """They part a prefix from its key."""
    assert refusal(await store.bulk("k", "a||b")) == (400, "ERR_MALFORMED_REQUEST")


async def test_bars_are_refused_in_a_transaction(store: Store) -> None:
    """They part a prefix from its key."""
    assert refusal(await store.transact(upsert("a||b"))) == (400, "ERR_MALFORMED_REQUEST")


async def test_a_key_that_is_refused_is_named(store: Store) -> None:
    """In the message."""
    message = (await store.get("a||b")).json()["message"]
    assert "input key/keyPrefix 'a||b' can't contain '||'" in message


async def test_a_refused_key_stops_the_whole_save(store: Store) -> None:
    """Entries before it are not saved."""
    key = mark()
    await store.save([item(key), item("a||b")])
    assert await store.value(key) is None


async def test_a_key_is_asked_for(store: Store) -> None:
    """An entry without one is refused."""
    for nameless in ({"value": 1}, {"key": "", "value": 1}):
        assert refusal(await store.save([nameless])) == (400, "ERR_MALFORMED_REQUEST")


async def test_services_have_keys_of_their_own(store: Store, other: Replica) -> None:
    """The prefix is the app-id unless it is told otherwise."""
    key = mark()
    await store.put(key)
    assert (await other.http.get(store.at(key))).status_code == 204


@pytest.mark.only("redis", "postgresql")
async def test_replicas_share_their_keys(store: Store, world: World) -> None:
    """They have one app-id."""
    first, second = world.replicas(OTHER)
    key = mark()
    await first.http.post(store.url(), json=[item(key, 7)])
    assert (await second.http.get(store.at(key))).json() == 7


@pytest.mark.parametrize("by", ["by-name", "by-none", "by-word"])
@pytest.mark.only("redis", "postgresql")
async def test_services_share_what_has_a_common_prefix(
    by: str, store: Store, other: Replica
) -> None:
    """The component's name, none, or a word."""
    key, mine = mark(), replace(store, name=f"{store.name}-{by}")
    await mine.put(key, 3)
    assert await replace(mine, http=other.http).value(key) == 3


@pytest.mark.only("redis", "postgresql")
async def test_a_namespace_without_a_name_is_the_app_id(store: Store, other: Replica) -> None:
    """So the service alone sees its keys, in any component of that server."""
    key, mine = mark(), replace(store, name=f"{store.name}-by-namespace")
    await mine.put(key, 3)
    assert await replace(mine, http=other.http).value(key) is None


@differs(Difference.SERVERS)
@pytest.mark.parametrize("by", ["by-none", "by-word"])
@pytest.mark.only("redis", "postgresql")
async def test_components_share_what_has_a_common_prefix(by: str, store: Store) -> None:
    """Where they lead to the same server."""
    key = mark()
    await replace(store, name=f"{store.name}-{by}").put(key, 3)
    assert await replace(store, name=f"{store.name}-{by}-too").value(key) == 3


@pytest.mark.parametrize("by", ["by-name", "by-none", "by-word"])
@pytest.mark.only("redis", "postgresql")
async def test_prefixes_keep_keys_apart(by: str, store: Store) -> None:
    """One key under two prefixes is two."""
    key = mark()
    await replace(store, name=f"{store.name}-{by}").put(key, 3)
    assert await store.value(key) is None


@differs(Difference.MEMORY)
@pytest.mark.only("memory")
async def test_memory_is_inside_one_sidecar(store: Store, other: Replica) -> None:
    """Also where services have a common prefix."""
    key, mine = mark(), replace(store, name="memory-by-none")
    await mine.put(key)
    assert await replace(mine, http=other.http).value(key) is None


@pytest.mark.only("redis", "postgresql")
async def test_prefixes_do_not_show(store: Store) -> None:
    """A bulk get names a key as it was asked for."""
    key, mine = mark(), replace(store, name=f"{store.name}-by-word")
    await mine.put(key)
    assert [found["key"] for found in (await mine.bulk(key)).json()] == [key]
