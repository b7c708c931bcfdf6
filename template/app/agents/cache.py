"""Answers that serve everyone who asks the same: kept, and asked for once at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from prometheus_client import Counter
from pydantic import BaseModel

from app.agents.errors import BudgetError
from app.agents.reply import Reply
from app.agents.usage import Usage
from app.core.errors import ServiceError
from app.core.key import Key
from app.services.state import StateStore

log = structlog.get_logger("app.agent")

ANSWERS = Counter("agent_cache_answers_total", "Answers by where they came from.", ["source"])

M = TypeVar("M", bound=BaseModel)


class AnswerCache:
    """Answers by their key; the key's TTL says how long each is kept.

    A store that is down is passed over: the model is asked.
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._asked: dict[str, asyncio.Task[Reply[Any]]] = {}

    async def answer(
        self, key: Key, kind: type[M], ask: Callable[[], Awaitable[Reply[M]]]
    ) -> Reply[M]:
        """Return what is kept, else what `ask` returns; who asks meanwhile waits for the same.

        What was kept or shared costs nothing: its usage is empty. Errors are not kept; one of
        another user's budget is nobody else's, and who waited asks in turn.
        """
        if kept := await self._kept(key, kind):
            return _free(kept, "store")
        while task := self._asked.get(key.text):
            with suppress(BudgetError):
                return _free((await asyncio.shield(task)).content, "flight")
        task = asyncio.create_task(self._ask(key, ask))
        self._asked[key.text] = task
        task.add_done_callback(lambda _: self._asked.pop(key.text))
        ANSWERS.labels("model").inc()
        return await asyncio.shield(task)  # who goes away stops nobody else

    async def _ask(self, key: Key, ask: Callable[[], Awaitable[Reply[M]]]) -> Reply[M]:
        reply = await ask()
        try:
            await self._store.save(key, reply.content)
        except ServiceError as error:
            log.warning("agent.not_cached", key=key.text, reason=error.detail)
        return reply

    async def _kept(self, key: Key, kind: type[M]) -> M | None:
        try:
            return await self._store.get(key, kind)
        except ServiceError as error:
            log.warning("agent.cache_passed_over", key=key.text, reason=error.detail)
            return None


def _free(content: M, source: str) -> Reply[M]:
    ANSWERS.labels(source).inc()
    return Reply(content, usage=Usage(), cost=0.0, token_efficiency=1.0, cached=True)
