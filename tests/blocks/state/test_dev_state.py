"""The embedded sidecar keeps state as Dapr does, in the manner of each store."""

from random import Random
from typing import Any

import httpx2
import pytest

from dev.sidecar.blocks import App
from dev.sidecar.components import Component
from dev.sidecar.core import Sidecar, api
from dev.sidecar.world import Answer, Call, Clock

REDIS, POSTGRESQL = "state.redis", "state.postgresql"


class Stores:
    """The sidecar of one app, at a time that is set by hand."""

    def __init__(self, kind: str = REDIS, app_id: str = "a", **options: str) -> None:
        self.sidecar = Sidecar(self._no_app, Clock(lambda: 0.0), Random(1))
        app = App(app_id, "", {"store": Component("store", kind, options)})
        transport = httpx2.ASGITransport(api(self.sidecar, app))
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://sidecar/v1.0/state")

    async def _no_app(self, address: str, call: Call) -> Answer:
        raise NotImplementedError

    async def save(self, key: str, value: Any = 1, **more: Any) -> int:
        """Save an entry; return the status."""
        item = {"key": key, "value": value, **more}
        return (await self.http.post("/store", json=[item])).status_code

    async def etag(self, key: str) -> str:
        """Return the ETag of an entry."""
        return (await self.http.get(f"/store/{key}")).headers["etag"]


async def test_a_key_is_saved_read_and_deleted() -> None:
    """What is not there is 204."""
    stores = Stores()
    assert (await stores.http.get("/store/a%2Fb")).status_code == 204
    assert await stores.save("a/b", {"n": 2**53 + 1, "x": 1.5}) == 204
    read = await stores.http.get("/store/a%2Fb")
    assert (read.status_code, read.json()) == (200, {"n": 2**53, "x": 1.5})
    assert (await stores.http.get("/store/a/b")).status_code == 404
    assert (await stores.http.delete("/store/a%2Fb")).status_code == 204
    assert await stores.sidecar.state("a/b") is None


async def test_what_is_refused() -> None:
    """An unknown store, a key that could be another's, a body that is none."""
    stores = Stores()
    assert (await stores.http.get("/nope/k")).json()["errorCode"] == "ERR_STATE_STORE_NOT_FOUND"
    assert await stores.save("a||b") == 400
    assert (await stores.http.post("/store", content=b"{")).status_code == 400


@pytest.mark.parametrize(
    ("kind", "absent", "malformed", "first_write_lost"),
    [(REDIS, 204, 400, 500), (POSTGRESQL, 409, 409, 500), ("state.in-memory", 409, 409, 409)],
)
async def test_conflicts(kind: str, absent: int, malformed: int, first_write_lost: int) -> None:
    """A stale ETag is 409 everywhere; the rest differs."""
    stores, first = Stores(kind), {"options": {"concurrency": "first-write"}}
    assert await stores.save("absent", etag="1") == absent
    assert await stores.save("k", **first) == 204
    etag = await stores.etag("k")
    assert await stores.save("k", etag=etag) == 204
    assert await stores.save("k", etag=etag) == 409
    stale = await stores.http.delete("/store/k", headers={"if-match": etag})
    assert (stale.status_code, stale.json()["errorCode"]) == (409, "ERR_STATE_DELETE")
    assert await stores.save("k", etag="x y") == malformed
    assert await stores.save("k", **first) == first_write_lost


@pytest.mark.parametrize(("kind", "kept"), [(REDIS, 1), (POSTGRESQL, None)])
async def test_a_failed_transaction(kind: str, kept: int | None) -> None:
    """It is rolled back, but not on Redis."""
    stores = Stores(kind)
    await stores.save("k")
    requests = [{"key": "other", "value": 1}, {"key": "k", "value": 2, "etag": "7"}]
    steps = [{"operation": "upsert", "request": request} for request in requests]
    answer = await stores.http.post("/store/transaction", json={"operations": steps})
    assert (answer.status_code, answer.json()["errorCode"]) == (500, "ERR_STATE_TRANSACTION")
    assert await stores.sidecar.state("other") == kept


@pytest.mark.parametrize(("kind", "left"), [(REDIS, None), (POSTGRESQL, 2)])
async def test_time_to_live(kind: str, left: int | None) -> None:
    """A save without one ends it, but not on Redis."""
    stores = Stores(kind)
    await stores.save("k", 1, metadata={"ttlInSeconds": "10"})
    await stores.save("k", 2)
    stores.sidecar.clock.skip(10)
    assert await stores.sidecar.state("k") == left


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        ({}, "a||k"),
        ({"keyPrefix": "name"}, "store||k"),
        ({"keyPrefix": "none"}, "k"),
        ({"keyPrefix": "shared"}, "shared||k"),
    ],
)
async def test_prefixes(options: dict[str, str], stored: str) -> None:
    """Dapr puts one before each key."""
    stores = Stores(**options)
    await stores.save("k")
    assert await stores.sidecar.state(stored) == 1


async def test_a_document_is_read_as_its_value() -> None:
    """The service stores text, with what it has seen beside the value."""
    stores = Stores()
    await stores.save("own:k", '{"value":{"n":9007199254740993},"seen":["e"]}')
    assert await stores.sidecar.state("k") == {"n": 2**53 + 1}
    many = await stores.http.post("/store/bulk", json={"keys": ["own:k", "none"]})
    assert [entry["key"] for entry in many.json() if "data" in entry] == ["own:k"]
