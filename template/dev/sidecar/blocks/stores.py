"""State stores in memory, each in the manner of the store that it stands for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


class StoreError(Exception):
    """The store refuses or fails; `status` is what Dapr answers with."""

    status = 500


class EtagMismatchError(StoreError):
    """Somebody else was faster."""

    status = 409


class InvalidEtagError(StoreError):
    """The ETag is none of this store's."""

    status = 400


@dataclass(frozen=True)
class Entry:
    """What is stored under a key: JSON text, its ETag, when it ends."""

    value: str
    etag: str
    expires: float | None
    guarded: bool
    """Once saved by a first write: Redis remembers that."""


@dataclass(frozen=True)
class Change:
    """A save or, where `value` is None, a delete; a last write has no `etag` here."""

    key: str
    value: str | None
    etag: str = ""
    first_write: bool = False
    ttl: int | None = None
    """Seconds; zero or less means for good."""


class Store:
    """Dapr's in-memory store: ETags are UUIDs, every conflict is a mismatch."""

    def __init__(self, now: Callable[[], float], uuid: Callable[[], str]) -> None:
        self._now = now
        self._uuid = uuid
        self._entries: dict[str, Entry] = {}

    def get(self, key: str) -> Entry | None:
        """Return what `key` holds, unless its time is over."""
        return self.entries().get(key)

    def entries(self) -> dict[str, Entry]:
        """Return all that is stored."""
        now, all_of_them = self._now(), self._entries.items()
        live = {k: e for k, e in all_of_them if e.expires is None or e.expires > now}
        self._entries = live
        return live

    def apply(self, change: Change) -> None:
        """Make one change.

        Raises:
            StoreError: it can't be made.
        """
        before = self.get(change.key)
        self._check(change, before)
        if change.value is None:
            self._entries.pop(change.key, None)
            return
        guarded = change.first_write or bool(before and before.guarded)
        etag, expires = self._etag(before), self._expires(change, before)
        self._entries[change.key] = Entry(change.value, etag, expires, guarded)

    def transact(self, changes: Sequence[Change]) -> None:
        """Make all changes or none. Raises what `apply` does."""
        before = dict(self._entries)
        try:
            for change in changes:
                self.apply(change)
        except StoreError:
            self._entries = before
            raise

    def _check(self, change: Change, before: Entry | None) -> None:
        if change.etag and (before is None or before.etag != change.etag):
            raise EtagMismatchError(f"{change.key} has another etag")
        if change.first_write and not change.etag and before:
            raise self._exists(f"{change.key} already exists")

    def _exists(self, why: str) -> StoreError:
        return EtagMismatchError(why)

    def _etag(self, before: Entry | None) -> str:
        return self._uuid()

    def _expires(self, change: Change, before: Entry | None) -> float | None:
        return self._now() + change.ttl if change.ttl and change.ttl > 0 else None


class Postgres(Store):
    """PostgreSQL v2: a lost first write without an ETag is a failure."""

    def _exists(self, why: str) -> StoreError:
        return StoreError(why)


class Redis(Store):
    """Redis: ETags count from 1, an absent key takes any, transactions don't roll back."""

    def transact(self, changes: Sequence[Change]) -> None:
        """Make every change that can be made, then fail if one could not."""
        failure: StoreError | None = None
        for change in changes:
            try:
                self.apply(change)
            except StoreError as error:
                failure = failure or error
        if failure:
            raise failure

    def _check(self, change: Change, before: Entry | None) -> None:
        if change.etag and not change.etag.isdecimal():
            raise InvalidEtagError(f"'{change.etag}' is no number")
        if before is None or before.etag == change.etag:
            return
        if change.etag:
            raise EtagMismatchError(f"{change.key} has another etag")
        if before.guarded and change.value is not None:
            raise StoreError(f"failed to set key {change.key}")

    def _etag(self, before: Entry | None) -> str:
        return str(int(before.etag) + 1) if before else "1"

    def _expires(self, change: Change, before: Entry | None) -> float | None:
        if before and change.ttl is None:
            return before.expires  # a save that names no TTL leaves the one that runs
        return super()._expires(change, before)


MANNERS = {"state.redis": Redis, "state.postgresql": Postgres}
"""The store that stands for a type of component, where it is not the plain one."""
