"""State stores in memory, each in the manner of the store that it stands for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

REDIS, POSTGRESQL = "state.redis", "state.postgresql"
"""Any other type is Dapr's in-memory store: every conflict is a mismatch."""


class StoreError(Exception):
    """The store refuses or fails; `status` is what Dapr answers with."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{'possible etag mismatch: ' if status == 409 else ''}{why}")
        self.status = status


@dataclass(frozen=True)
class Entry:
    """What a key holds: JSON text, and when it ends. Redis remembers a first write (`guarded`)."""

    value: str
    etag: str
    expires: float | None
    guarded: bool


@dataclass(frozen=True)
class Change:
    """A save or, where `value` is None, a delete. A `ttl` of zero or less means for good."""

    key: str
    value: str | None
    etag: str
    order: str | None
    ttl: int | None


class Store:
    """One store, of the `type` of its component."""

    def __init__(self, type: str, now: Callable[[], float], uuid: Callable[[], str]) -> None:
        self.type, self._now, self._uuid = type, now, uuid
        self._entries: dict[str, Entry] = {}

    def entries(self) -> dict[str, Entry]:
        """Return all that is stored and whose time is not over."""
        now, held = self._now(), self._entries.items()
        self._entries = {k: e for k, e in held if e.expires is None or e.expires > now}
        return self._entries

    def apply(self, changes: Sequence[Change], *, atomic: bool = False) -> None:
        """Make those that can be made; none if `atomic`, but on Redis. Raises StoreError."""
        before, failure = dict(self._entries), None
        for change in changes:
            try:
                self._apply(change, guard=not atomic)
            except StoreError as error:
                failure = failure or error
        if failure:
            if atomic and self.type != REDIS:
                self._entries = before
            raise failure

    def _apply(self, change: Change, *, guard: bool) -> None:
        before = self.entries().get(change.key)
        (self._check_redis if self.type == REDIS else self._check)(change, before)
        if change.value is None:
            self._entries.pop(change.key, None)
            return
        guarded = (guard and change.order == "first-write") or bool(before and before.guarded)
        expires = self._now() + change.ttl if change.ttl and change.ttl > 0 else None
        etag = self._uuid()
        if self.type == REDIS:
            etag = str(int(before.etag) + 1) if before else "1"
            if before and change.ttl is None:
                expires = before.expires  # a save that names no TTL leaves the one that runs
        self._entries[change.key] = Entry(change.value, etag, expires, guarded)

    def _check(self, change: Change, before: Entry | None) -> None:
        if change.etag and (before is None or before.etag != change.etag):
            raise StoreError(409, f"{change.key} has another etag")
        if change.order == "first-write" and not change.etag and before:
            status = 500 if self.type == POSTGRESQL else 409
            raise StoreError(status, f"{change.key} already exists")

    def _check_redis(self, change: Change, before: Entry | None) -> None:
        etag = "" if change.order == "last-write" and change.value is not None else change.etag
        if etag and not etag.isdecimal() and change.value is not None:
            raise StoreError(400, f"invalid etag: '{etag}' is no number")
        if before is None or before.etag == etag:
            return  # an absent key takes any
        if etag:
            raise StoreError(409, f"{change.key} has another etag")
        if before.guarded and change.value is not None:
            raise StoreError(500, f"failed to set key {change.key}")
