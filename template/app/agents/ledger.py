"""What each user has spent today, kept in the state store, and the budget of a day.

With a budget, what a call may cost is reserved before it, and settled after it to what it did
cost. A reservation that nobody settles, because its process was killed, ends by itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex

import structlog
from pydantic import BaseModel, Field

from app.agents.errors import BudgetError
from app.agents.metrics import REFUSED
from app.agents.turns import TRIES, WAIT_SECONDS, Turns
from app.agents.usage import Usage
from app.core.errors import ServiceError
from app.core.key import Key
from app.services.state import StateStore

log = structlog.get_logger("app.agent")

TWO_DAYS = 2 * 24 * 3600
GRACE = timedelta(seconds=30)
"""How long a reservation outlives its call's deadline: for the settling, and for other clocks."""

Where = tuple[str, str]
"""A day and a user."""


class Reserved(BaseModel):
    """Tokens that a call may cost that is under way."""

    tokens: int
    until: datetime


class Account(BaseModel):
    """What a user has spent on a day (UTC)."""

    user_id: str
    day: str
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    cost_dollars: float = 0.0
    """Of the calls whose model has a price."""
    calls_unpriced: int = 0
    """Calls of other models: what they cost is not known."""
    reserved: dict[str, Reserved] = Field(default_factory=dict[str, Reserved])

    @property
    def tokens(self) -> int:
        """What counts against the budget."""
        return self.tokens_in + self.tokens_out

    @property
    def held(self) -> int:
        """What calls under way may come to cost."""
        return sum(reserved.tokens for reserved in self.reserved.values())


@dataclass(frozen=True)
class Hold:
    """A reservation, on the account of the day it was made."""

    where: Where
    name: str


@dataclass(frozen=True)
class _Settled:
    """What became of a call."""

    hold: Hold
    usage: Usage
    cost: float | None
    paid: bool


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
        self._settled = defaultdict[Where, list[_Settled]](list)
        self._writers: dict[Where, asyncio.Task[None]] = {}
        self._turns = Turns(store)

    @classmethod
    @asynccontextmanager
    async def open(cls, store: StateStore, limit: int | None) -> AsyncGenerator["Ledger"]:
        """Offer the accounts, and at the end write what is not written."""
        ledger = cls(store, limit)
        try:
            yield ledger
        finally:
            await ledger.written()

    async def reserve(self, user_id: str, tokens: int, seconds: float) -> Hold:
        """Take what a call may cost that ends within `seconds`; without a budget, ask nobody.

        Raises:
            BudgetError: what is spent and reserved leaves less than that.
            ServiceError: the store is down; with a budget, nobody asks without it.
        """
        now = self._now()
        hold = Hold((now.date().isoformat(), user_id), token_hex(6))
        if (limit := self._limit) is None:
            return hold

        def reserved(account: Account) -> Account:
            if account.tokens + account.held + tokens > limit:
                REFUSED.inc()
                told = {"tokens": tokens, "spent": account.tokens, "reserved": account.held}
                log.info("agent.budget_refused", **told, limit=limit)
                raise _exhausted(account, tokens, limit, now)
            until = now + timedelta(seconds=seconds) + GRACE
            entry = {hold.name: Reserved(tokens=tokens, until=until)}
            return account.model_copy(update={"reserved": account.reserved | entry})

        await self._update(hold.where, reserved)
        return hold

    def settle(self, hold: Hold, usage: Usage, cost: float | None, *, paid: bool = True) -> None:
        """Count a call, unless it was free, and end its reservation.

        It is written at once, but nobody waits for it.
        """
        if not paid and self._limit is None:
            return
        self._settled[hold.where].append(_Settled(hold, usage, cost, paid))
        if hold.where not in self._writers:
            self._writers[hold.where] = asyncio.create_task(self._write(hold.where))

    async def account(self, user_id: str) -> Account:
        """Return what the user has spent today."""
        where = self._now().date().isoformat(), user_id
        stored = await self._store.get(_key(where), Account)
        return self._current(where, stored, self._settled.get(where, ()))

    async def written(self) -> None:
        """Return when all is written, or can't be."""
        while self._writers:
            await asyncio.gather(*self._writers.values())

    async def _write(self, where: Where) -> None:
        tries = 0
        try:
            while self._settled.get(where) and tries < TRIES:
                tries += 1
                try:
                    await self._update(where, lambda account: account)
                    tries = 0
                except ServiceError as error:
                    log.warning("agent.not_settled", reason=error.detail, tries=tries)
                    await asyncio.sleep(WAIT_SECONDS * tries)
        finally:
            del self._writers[where]

    async def _update(self, where: Where, change: Callable[[Account], Account]) -> None:
        """Write what is settled, and a change."""
        settled: list[_Settled] = []

        def changed(kept: Account | None) -> Account:
            settled[:] = self._settled.get(where, ())
            return change(self._current(where, kept, settled))

        await self._turns.update(_key(where), Account, changed)
        # the next one in turn has not begun yet
        if left := self._settled.get(where, [])[len(settled) :]:
            self._settled[where] = left
        else:
            self._settled.pop(where, None)

    def _current(self, where: Where, kept: Account | None, settled: Sequence[_Settled]) -> Account:
        """Return an account with all that is settled, without reservations that are over."""
        account = kept or Account(day=where[0], user_id=where[1])
        paid = [call for call in settled if call.paid]
        over = {call.hold.name for call in settled}
        return Account(
            user_id=account.user_id,
            day=account.day,
            calls=account.calls + len(paid),
            tokens_in=account.tokens_in + sum(call.usage.tokens_in for call in paid),
            tokens_out=account.tokens_out + sum(call.usage.tokens_out for call in paid),
            tokens_cached=account.tokens_cached + sum(call.usage.tokens_cached for call in paid),
            cost_dollars=account.cost_dollars + sum(call.cost or 0.0 for call in paid),
            calls_unpriced=account.calls_unpriced + sum(call.cost is None for call in paid),
            reserved={
                name: reserved
                for name, reserved in account.reserved.items()
                if name not in over and reserved.until > self._now()
            },
        )


def _exhausted(account: Account, tokens: int, limit: int, now: datetime) -> BudgetError:
    """Return the error; what is spent comes back tomorrow, what is reserved perhaps soon."""
    if tokens > limit:
        return BudgetError(f"This call may take {tokens} tokens, more than the {limit} of a day.")
    soon = account.tokens + tokens <= limit
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    told = f"{account.tokens} of {limit} tokens are spent, {account.held} reserved by other calls"
    return BudgetError(
        f"{told}; this one may take {tokens}. Tomorrow (UTC) is new.",
        1.0 if soon else (tomorrow - now).total_seconds(),
    )


def _key(where: Where) -> Key:
    return Key.of("spent", *where, ttl=TWO_DAYS)
