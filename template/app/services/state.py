"""State through Dapr: typed, with ETags, the same on Redis and PostgreSQL."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from app.core.declaration.state import StateConfig
from app.core.errors import ConflictError
from app.core.key import Key
from app.services.sidecar import Answer, Sidecar, SidecarError

M = TypeVar("M", bound=BaseModel)

TRIES = 3
"""How often `update` tries against others that change the same entry."""
BACKOFF_SECONDS = 0.05
SEEN = 100
"""How many event ids an entry remembers (see `once`)."""


class Probe(BaseModel):
    """An entry that is never written: reading it asks whether the store is there."""


class Entry(Generic[M]):
    """What a key holds: `value` and `etag` are None where there is nothing."""

    def __init__(self, value: M | None = None, etag: str | None = None, seen: Sequence[str] = ()):
        self.value = value
        self.etag = etag
        self.seen = tuple(seen)

    def document(self) -> str:
        """Return the JSON text that is stored: as text, integers over 2^53 stay exact."""
        value = self.value.model_dump_json() if self.value else "null"
        seen = f',"seen":{json.dumps(self.seen)}' if self.seen else ""
        return f'{{"value":{value}{seen}}}'


class StateStore:
    """One state component. Keys carry their TTL; values are pydantic models."""

    def __init__(self, sidecar: Sidecar, config: StateConfig) -> None:
        self._sidecar = sidecar
        self._path = f"/v1.0/state/{config.component_name}"
        self._prefix = f"{config.key_prefix}:" if config.key_prefix else ""
        self._ttl = config.ttl_seconds
        self._use_etag = config.use_etag

    async def get(self, key: Key, kind: type[M]) -> M | None:
        """Return the value of `key`, or None."""
        return (await self.entry(key, kind)).value

    async def entry(self, key: Key, kind: type[M]) -> Entry[M]:
        """Return the value of `key` with its ETag.

        Raises:
            SidecarError: the store fails. pydantic.ValidationError: the value is no `kind`.
        """
        path = f"{self._path}/{quote(self._name(key), safe='')}"
        answer = await self._sidecar.call("state.get", "GET", path)
        if answer.status == 204:
            return Entry()
        self._expect(200, answer, "state.get")
        return _entry(answer.json(), answer.headers.get("etag"), kind)

    async def get_many(self, keys: Sequence[Key], kind: type[M]) -> list[M | None]:
        """Return the values of several keys in one call, in their order."""
        names = [self._name(key) for key in keys]
        answer = await self._post("/bulk", {"keys": names}, "state.bulk_get", expect=200)
        found = {item["key"]: item for item in answer.json()}
        values: list[M | None] = []
        for name in names:
            data = found.get(name, {}).get("data")
            values.append(_entry(data, None, kind).value if data is not None else None)
        return values

    async def save(self, key: Key, value: BaseModel) -> None:
        """Store `value`, whatever was there."""
        await self._save(key, Entry(value))

    async def delete(self, key: Key, etag: str | None = None) -> None:
        """Remove `key`; with an ETag only if nobody changed it since.

        Raises:
            ConflictError: somebody did.
        """
        path = f"{self._path}/{quote(self._name(key), safe='')}"
        headers = {"If-Match": etag} if etag else None
        params = {"concurrency": "first-write"} if etag else None
        answer = await self._sidecar.call(
            "state.delete", "DELETE", path, params=params, headers=headers
        )
        if answer.status == 409:
            raise ConflictError(f"'{key.text}' was changed by somebody else.")
        self._expect(204, answer, "state.delete")

    async def transact(self, saves: dict[Key, BaseModel], deletes: Sequence[Key] = ()) -> None:
        """Store and remove several keys in one transaction (on Redis without roll-back)."""
        operations = [
            {"operation": "upsert", "request": self._item(key, Entry(value))}
            for key, value in saves.items()
        ]
        operations += [
            {"operation": "delete", "request": {"key": self._name(key)}} for key in deletes
        ]
        await self._post("/transaction", {"operations": operations}, "state.transact")

    async def update(self, key: Key, kind: type[M], change: Callable[[M | None], M]) -> M:
        """Replace the value by `change(value)`; read again and retry when somebody was faster.

        Raises:
            ConflictError: three tries were not enough.
        """

        async def changed(entry: Entry[M]) -> Entry[M] | None:
            return Entry(change(entry.value), seen=entry.seen)

        return _present(await self._retry(key, kind, changed))

    async def once(
        self, event_id: str, key: Key, kind: type[M], change: Callable[[M | None], M]
    ) -> M:
        """Like `update`, but an event that the entry has already seen changes nothing.

        The inbox is part of the entry, so effect and memory are one write on every store.
        """

        async def changed(entry: Entry[M]) -> Entry[M] | None:
            if event_id in entry.seen:
                return None
            return Entry(change(entry.value), seen=[*entry.seen, event_id][-SEEN:])

        return _present(await self._retry(key, kind, changed))

    async def _retry(
        self,
        key: Key,
        kind: type[M],
        changed: Callable[[Entry[M]], Awaitable[Entry[M] | None]],
    ) -> Entry[M]:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1))
            entry = await self.entry(key, kind)
            new = await changed(entry)
            if new is None:
                return entry
            if not self._use_etag:
                await self._save(key, new)
                return new
            try:
                await self._save(key, new, first_write=True, etag=entry.etag)
                return new
            except ConflictError:
                continue
            except SidecarError:
                # A first write that lost answers 500 on both stores: it did if there is one now.
                if entry.etag or (await self.entry(key, kind)).etag is None:
                    raise
        raise ConflictError(f"'{key.text}' was changed by others {TRIES} times in a row.")

    async def _save(
        self, key: Key, entry: Entry[Any], *, first_write: bool = False, etag: str | None = None
    ) -> None:
        item = self._item(key, entry)
        if first_write:
            item["options"] = {"concurrency": "first-write"}
        if etag:
            item["etag"] = etag
        answer = await self._post("", [item], "state.save", expect=None)
        if answer.status == 409:
            raise ConflictError(f"'{key.text}' was changed by somebody else.")
        self._expect(204, answer, "state.save")

    def _item(self, key: Key, entry: Entry[Any]) -> dict[str, Any]:
        item: dict[str, Any] = {"key": self._name(key), "value": entry.document()}
        if ttl := key.ttl or self._ttl:
            item["metadata"] = {"ttlInSeconds": str(ttl)}
        return item

    async def _post(
        self, path: str, body: object, operation: str, expect: int | None = 204
    ) -> Answer:
        answer = await self._sidecar.call(
            operation,
            "POST",
            self._path + path,
            body=json.dumps(body, ensure_ascii=False).encode(),
            headers={"content-type": "application/json"},
        )
        if expect is not None:
            self._expect(expect, answer, operation)
        return answer

    def _expect(self, status: int, answer: Answer, operation: str) -> None:
        if answer.status != status:
            raise SidecarError(operation, answer)

    def _name(self, key: Key) -> str:
        return self._prefix + key.text


def _entry(stored: Any, etag: str | None, kind: type[M]) -> Entry[M]:
    document = json.loads(stored) if isinstance(stored, str) else stored
    value = document["value"]
    return Entry(
        None if value is None else kind.model_validate(value), etag, document.get("seen", ())
    )


def _present(entry: Entry[M]) -> M:
    assert entry.value is not None, "a changed entry has a value"
    return entry.value
