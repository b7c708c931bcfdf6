"""State through Dapr: typed, with ETags, the same on Redis and PostgreSQL."""

import asyncio
import json
import random
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from app.core.declaration.state import StateConfig
from app.core.errors import ConflictError
from app.core.key import Key
from app.services.sidecar import Answer, Sidecar, SidecarError

M = TypeVar("M", bound=BaseModel)
Change = Callable[[M | None], M]

TRIES = 3  # of a change, against others that change the same entry
BACKOFF_SECONDS = 0.05
SEEN = 1000  # events that an entry remembers: more than what a crash has delivered again
MARK = 12  # characters that stand for one of them


@dataclass(frozen=True)
class Entry(Generic[M]):
    """What a key holds: no `etag`, nothing there. `seen` are marks of the events it is made by."""

    value: M | None = None
    etag: str | None = None
    seen: tuple[str, ...] = ()

    def document(self) -> str:
        """Return the text to store: integers over 2^53 exact, no NaN, the oldest marks gone."""
        assert self.value is not None, "only what is there is stored"
        document = {"value": self.value.model_dump(mode="json"), "seen": "".join(self.seen[-SEEN:])}
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def read(stored: str | None, etag: str | None, kind: type[M]) -> Entry[M]:
    """Decode what `Entry.document` made."""
    if stored is None:
        return Entry()
    document = json.loads(stored)
    marks: str = document["seen"]
    seen = tuple(marks[at : at + MARK] for at in range(0, len(marks), MARK))
    return Entry(kind.model_validate(document["value"]), etag, seen)


def mark_of(event_id: str) -> str:
    """Return what an entry remembers of an event: 72 bits, short and never the same for two."""
    return b64encode(blake2b(event_id.encode(), digest_size=MARK * 6 // 8).digest()).decode()


class StateStore:
    """One state component. Keys carry their TTL; values are pydantic models.

    A failing store raises SidecarError; UnavailableError or DeadlineError where it does not answer.
    """

    def __init__(self, sidecar: Sidecar, config: StateConfig) -> None:
        self._sidecar, self._path = sidecar, f"/v1.0/state/{config.component_name}"
        self._prefix = f"{config.key_prefix}:" if config.key_prefix else ""
        self._ttl, self._use_etag = config.ttl_seconds, config.use_etag

    async def get(self, key: Key, kind: type[M]) -> M | None:
        """Return the value of `key`, or None."""
        return (await self.entry(key, kind)).value

    async def entry(self, key: Key, kind: type[M]) -> Entry[M]:
        """Return the value of `key` with its ETag."""
        answer = await self._call("state.get", "GET", self._at(key))
        stored = None if answer.status == 204 else json.loads(answer.body)
        return read(stored, answer.headers.get("etag"), kind)

    async def get_many(self, keys: Sequence[Key], kind: type[M]) -> list[M | None]:
        """Return the values of several keys in one call, in their order."""
        return [read(found.get("data"), None, kind).value for found in await self._found(keys)]

    async def save(self, key: Key, value: BaseModel) -> None:
        """Store `value`, whatever was there; what `once` has seen is forgotten."""
        try:
            await self._save(key, Entry(value))
        except SidecarError:  # Redis wants the ETag of what `update` or `once` has made
            if not (etag := await self._etag(key)):
                raise
            await self._written(self._save(key, Entry(value), etag=etag), key, etag)

    async def delete(self, key: Key, etag: str | None = None) -> None:
        """Remove `key`; with an ETag a ConflictError tells that somebody changed it since."""
        params, headers = ({"concurrency": "first-write"}, {"If-Match": etag}) if etag else ({}, {})
        call = self._call("state.delete", "DELETE", self._at(key), params=params, headers=headers)
        await self._written(call, key, etag)

    async def transact(self, saves: Mapping[Key, BaseModel], deletes: Sequence[Key] = ()) -> None:
        """Store and remove several keys in one transaction (on Redis without roll-back)."""
        found = zip(saves.items(), await self._found(saves), strict=True)  # for ETags, as in `save`
        changes = [("upsert", self._item(k, Entry(v), etag=at.get("etag"))) for (k, v), at in found]
        changes += [("delete", {"key": self._prefix + key.text}) for key in deletes]
        operations = [{"operation": what, "request": item} for what, item in changes]
        await self._post("state.transact", "/transaction", {"operations": operations})

    async def update(self, key: Key, kind: type[M], change: Change[M]) -> M:
        """Replace the value by `change(value)`; ConflictError if others are faster three times."""
        return await self._change(key, kind, change, None)

    async def once(self, event_id: str, key: Key, kind: type[M], change: Change[M]) -> M:
        """Like `update`, but an event that the entry has seen changes nothing.

        What was seen is part of the entry: effect and memory are one write, on every store.
        """
        return await self._change(key, kind, change, mark_of(event_id))

    async def _change(self, key: Key, kind: type[M], change: Change[M], mark: str | None) -> M:
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1))
            entry = await self.entry(key, kind)
            if entry.value is not None and mark in entry.seen:
                return entry.value
            value = change(entry.value)
            seen = (*entry.seen, mark) if mark else entry.seen
            guard = {"options": {"concurrency": "first-write"}, "etag": entry.etag}
            save = self._save(key, Entry(value, seen=seen), **guard if self._use_etag else {})
            try:
                with suppress(ConflictError):
                    await (save if attempt < TRIES - 1 else self._written(save, key, entry.etag))
                    return value
            except SidecarError:  # of Redis and PostgreSQL also a first write that came second
                if entry.etag or not await self._etag(key):
                    raise
        raise ConflictError(f"'{key.text}' was changed by others {TRIES} times in a row.")

    async def _written(self, write: Awaitable[object], key: Key, etag: str | None) -> None:
        """Await a write. Dapr says 409 also of a Redis that takes none; then the ETag stays."""
        try:
            await write
        except ConflictError as conflict:
            if etag and etag != await self._etag(key):
                raise
            raise (conflict.__cause__ or conflict) from None

    async def _found(self, keys: Collection[Key]) -> list[dict[str, Any]]:
        """Return what a bulk get tells of each key: nothing, or its `data` and `etag`."""
        names = [self._prefix + key.text for key in keys]
        answer = await self._post("state.bulk_get", "/bulk", {"keys": names})
        items = {item["key"]: item for item in json.loads(answer.body)}
        if any("error" in item for item in items.values()):
            raise SidecarError("state.bulk_get", answer)
        return [items.get(name, {}) for name in names]

    async def _etag(self, key: Key) -> str | None:
        return (await self._found([key]))[0].get("etag")

    async def _save(self, key: Key, entry: Entry[Any], **guard: Any) -> None:
        await self._post("state.save", "", [self._item(key, entry, **guard)])

    def _item(self, key: Key, entry: Entry[Any], **guard: Any) -> dict[str, Any]:
        item = {"key": self._prefix + key.text, "value": entry.document(), **guard}
        ttl = str(key.ttl or self._ttl or -1)  # -1: for good; of none, Redis keeps what runs
        return item | {"metadata": {"ttlInSeconds": ttl}}

    def _at(self, key: Key) -> str:
        return f"/{quote(self._prefix + key.text, safe='')}"

    async def _post(self, operation: str, path: str, body: object) -> Answer:
        data = json.dumps(body, ensure_ascii=False).encode()
        return await self._call(operation, "POST", path, body=data)

    async def _call(self, operation: str, method: str, path: str, **how: Any) -> Answer:
        answer = await self._sidecar.call(operation, method, self._path + path, **how)
        if answer.status == 409:  # what failed, if it is no conflict: without an ETag it is a 500
            failure = SidecarError(operation, replace(answer, status=500))
            raise ConflictError("Somebody else changed the entry.") from failure
        if answer.status not in {200, 204}:
            raise SidecarError(operation, answer)
        return answer
