"""A state store as an app sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2

from tests.contract.backends import StoreFacts


def item(key: str, value: Any = 1, **more: Any) -> dict[str, Any]:
    """Return an entry to save."""
    return {"key": key, "value": value, **more}


def upsert(key: str, value: Any = 1, **more: Any) -> dict[str, Any]:
    """Return a step of a transaction that saves."""
    return {"operation": "upsert", "request": item(key, value, **more)}


def remove(key: str, **more: Any) -> dict[str, Any]:
    """Return a step of a transaction that deletes."""
    return {"operation": "delete", "request": {"key": key, **more}}


FIRST_WRITE = {"options": {"concurrency": "first-write"}}
LAST_WRITE = {"options": {"concurrency": "last-write"}}


@dataclass(frozen=True)
class Store:
    """The API of one component; keys are quoted, and queries are `metadata.x=y` and the like."""

    name: str
    facts: StoreFacts
    http: httpx2.AsyncClient

    def url(self, path: str = "", query: str = "") -> str:
        """Return an address in its API."""
        return f"/v1.0/state/{self.name}{path}{'?' if query else ''}{query}"

    def at(self, key: str, query: str = "") -> str:
        """Return the address of a key."""
        return self.url(f"/{quote(key, safe='')}", query)

    async def get(self, key: str) -> httpx2.Response:
        """Read a key."""
        return await self.http.get(self.at(key))

    async def value(self, key: str) -> Any:
        """Return what a key holds; None where there is nothing."""
        answer = await self.get(key)
        return answer.json() if answer.status_code == 200 else None

    async def etag(self, key: str) -> str:
        """Return a key's ETag."""
        return (await self.get(key)).headers["etag"]

    async def put(self, key: str, value: Any = 1, **more: Any) -> httpx2.Response:
        """Save one entry."""
        return await self.save([item(key, value, **more)])

    async def save(self, items: Sequence[dict[str, Any]], query: str = "") -> httpx2.Response:
        """Save entries."""
        return await self.http.post(self.url(query=query), json=items)

    async def delete(self, key: str, etag: str = "", query: str = "") -> httpx2.Response:
        """Delete a key, with `If-Match` if there is an ETag."""
        headers = {"if-match": etag} if etag else {}
        return await self.http.delete(self.at(key, query), headers=headers)

    async def bulk(self, *keys: str) -> httpx2.Response:
        """Read keys."""
        return await self.http.post(self.url("/bulk"), json={"keys": keys})

    async def transact(self, *steps: dict[str, Any], query: str = "") -> httpx2.Response:
        """Run a transaction."""
        url = self.url("/transaction", query)
        return await self.http.post(url, json={"operations": steps})
