"""State: what is not understood or not there."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from tests.contract.answers import mark, refusal
from tests.contract.backends import STORES
from tests.contract.differences import Difference, differs
from tests.contract.fleet import CLOSED
from tests.contract.store import Store, upsert
from tests.contract.world import Replica, World

DEEP = b"[" * 20_000 + b"]" * 20_000
OPERATIONS: dict[str, Callable[[Store], Awaitable[httpx2.Response]]] = {
    "get": lambda store: store.get(mark()),
    "save": lambda store: store.put(mark()),
    "delete": lambda store: store.delete(mark()),
    "bulk get": lambda store: store.bulk(mark()),
    "transaction": lambda store: store.transact(upsert(mark())),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_an_unknown_store(operation: str, reader: Replica) -> None:
    """Is a bad request, and is named."""
    answer = await OPERATIONS[operation](_store("nope", reader))
    assert refusal(answer) == (400, "ERR_STATE_STORE_NOT_FOUND")
    assert answer.json()["message"] == "state store nope is not found"


@differs(Difference.NO_STORE)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_service_without_any_store(operation: str, world: World) -> None:
    """Is told that none is configured."""
    answer = await OPERATIONS[operation](_store("memory", world.replicas(CLOSED)[0]))
    assert refusal(answer) == (500, "ERR_STATE_STORE_NOT_CONFIGURED")
    assert answer.json()["message"] == "state store memory is not configured"


async def test_a_store_out_of_scope_is_unknown(reader: Replica, other: Replica) -> None:
    """To the service that the component does not name."""
    key = mark()
    assert (await _store("hidden", other).put(key)).status_code == 204
    answer = await _store("hidden", reader).put(key)
    assert refusal(answer) == (400, "ERR_STATE_STORE_NOT_FOUND")


async def test_a_broker_is_no_store(reader: Replica) -> None:
    """A component is of one kind."""
    answer = await _store("kafka", reader).get(mark())
    assert refusal(answer) == (400, "ERR_STATE_STORE_NOT_FOUND")


@pytest.mark.parametrize("path", ["", "/bulk", "/transaction"])
async def test_a_body_that_is_no_json(path: str, store: Store) -> None:
    """Is malformed."""
    answer = await store.http.post(store.url(path), content=b"{")
    assert refusal(answer) == (400, "ERR_MALFORMED_REQUEST")


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999"])
async def test_a_value_that_is_no_number(value: str, store: Store) -> None:
    """Is malformed, whatever a parser takes it for."""
    body = f'[{{"key": "{mark()}", "value": {value}}}]'
    answer = await store.http.post(store.url(), content=body)
    assert refusal(answer) == (400, "ERR_MALFORMED_REQUEST")


@pytest.mark.parametrize("path", ["", "/bulk", "/transaction"])
async def test_a_body_that_is_nested_too_deeply(path: str, store: Store) -> None:
    """Is malformed."""
    answer = await store.http.post(store.url(path), content=DEEP)
    assert refusal(answer) == (400, "ERR_MALFORMED_REQUEST")


async def test_an_empty_body(store: Store) -> None:
    """Is malformed."""
    assert refusal(await store.http.post(store.url())) == (400, "ERR_MALFORMED_REQUEST")


async def test_a_save_of_no_list(store: Store) -> None:
    """Is malformed: one entry is a list, too."""
    answer = await store.http.post(store.url(), json={"key": "k", "value": 1})
    assert refusal(answer) == (400, "ERR_MALFORMED_REQUEST")


async def test_a_key_that_is_no_text(store: Store) -> None:
    """Is malformed."""
    answer = await store.http.post(store.url(), json=[{"key": 1, "value": 1}])
    assert refusal(answer) == (400, "ERR_MALFORMED_REQUEST")


async def test_a_key_cannot_be_posted_to(store: Store) -> None:
    """Saving is for the store: there is no such address."""
    answer = await store.http.post(store.at(mark()), json=1)
    assert answer.status_code == 404


async def test_errors_are_json(store: Store) -> None:
    """So says their content type."""
    answer = await store.get("a||b")
    assert answer.headers["content-type"] == "application/json"


def _store(name: str, replica: Replica) -> Store:
    return Store(name, STORES["memory"], replica.http)
