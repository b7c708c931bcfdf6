"""What each user has spent today, kept in the state store, and the budget of a day.

It is checked before a call and settled after it. Between the two nobody is stopped: calls that
run at the same time can spend more than is left, each by its own tokens at most.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from pydantic import BaseModel

from app.agents.errors import BudgetError
from app.agents.usage import Usage
from app.core.errors import ServiceError
from app.core.key import Key
from app.services.state import StateStore

log = structlog.get_logger("app.agent")

TWO_DAYS = 2 * 24 * 3600
TRIES = 5
WAIT_SECONDS = 0.1


class Account(BaseModel):
    """What a user has spent on a day (UTC)."""

    user_id: str
    day: str
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    cost_dollars: float = 0.0
    """As far as the models have a price."""

    @property
    def tokens(self) -> int:
        """What counts against the budget."""
        return self.tokens_in + self.tokens_out

    def plus(self, other: "Account") -> "Account":
        """Return both together."""
        names = ("calls", "tokens_in", "tokens_out", "tokens_cached", "cost_dollars")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return self.model_copy(update=sums)


class Ledger:
    """The accounts of the day. What can't be written yet is kept here, and counts."""

    def __init__(
        self,
        store: StateStore,
        limit: int | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._limit = limit
        self._now = now
        self._unwritten: dict[tuple[str, str], Account] = {}
        self._writers: dict[tuple[str, str], asyncio.Task[None]] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, store: StateStore, limit: int | None) -> AsyncGenerator["Ledger"]:
        """Offer the accounts, and at the end write what is not written."""
        ledger = cls(store, limit)
        try:
            yield ledger
        finally:
            await ledger.written()

    async def check(self, user_id: str) -> None:
        """Raise a BudgetError where the user's tokens of the day are spent.

        With a budget, a store that is down lets nobody ask: its error is raised.
        """
        if self._limit is None:
            return
        spent = (await self.account(user_id)).tokens
        if spent >= self._limit:
            raise BudgetError(f"{spent} of {self._limit} tokens are spent; tomorrow (UTC) is new.")

    async def account(self, user_id: str) -> Account:
        """Return what the user has spent today."""
        day = self._now().date().isoformat()
        new = Account(user_id=user_id, day=day)
        stored = await self._store.get(_key(day, user_id), Account) or new
        return stored.plus(self._unwritten.get((day, user_id), new))

    def settle(self, user_id: str, usage: Usage, cost: float | None) -> None:
        """Count a call; it is written at once, but nobody waits for it."""
        day = self._now().date().isoformat()
        spent = Account(
            user_id=user_id,
            day=day,
            calls=1,
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            tokens_cached=usage.tokens_cached,
            cost_dollars=cost or 0.0,
        )
        where = day, user_id
        before = self._unwritten.get(where)
        self._unwritten[where] = before.plus(spent) if before else spent
        if where not in self._writers:
            self._writers[where] = asyncio.create_task(self._write(where))

    async def written(self) -> None:
        """Return when all is written, or can't be."""
        while self._writers:
            await asyncio.gather(*self._writers.values())

    async def _write(self, where: tuple[str, str]) -> None:
        tries = 0
        try:
            while (due := self._unwritten.get(where)) and tries < TRIES:
                tries += 1
                try:
                    await self._store.update(
                        _key(*where), Account, lambda kept, due=due: kept.plus(due) if kept else due
                    )
                except ServiceError as error:
                    log.warning("agent.not_settled", reason=error.detail, tries=tries)
                    await asyncio.sleep(WAIT_SECONDS * tries)
                else:
                    self._subtract(where, due)
                    tries = 0
        finally:
            del self._writers[where]

    def _subtract(self, where: tuple[str, str], done: Account) -> None:
        left = self._unwritten.pop(where)
        if left is not done:  # more came in meanwhile
            less = done.model_copy(
                update={name: -value for name, value in done if isinstance(value, int | float)}
            )
            self._unwritten[where] = left.plus(less)


def _key(day: str, user_id: str) -> Key:
    return Key.of("spent", day, user_id, ttl=TWO_DAYS)
