"""Answers that are kept: paid once, whoever asks, however many at once."""

import asyncio

import pytest
from pydantic import BaseModel

from app.agents.cache import AnswerCache
from app.agents.errors import BudgetError, ModelUnavailableError
from app.agents.reply import Reply
from app.agents.usage import Usage
from app.core.config import load_settings
from app.core.declaration.state import StateConfig
from app.core.key import Key
from app.services.sidecar import Sidecar, SidecarSettings
from app.services.state import StateStore

KEY = Key.of("answer", "1", ttl=3600)


class Answer(BaseModel):
    """An answer."""

    text: str


class Model:
    """Answers after a while, and counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked = 0
        self.error = error

    async def __call__(self) -> Reply[Answer]:
        """Answer."""
        self.asked += 1
        await asyncio.sleep(0.05)
        if self.error:
            raise self.error
        return Reply(Answer(text="yes"), usage=Usage(2, 1), cost=0.1, token_efficiency=0.9)


@pytest.fixture
def cache(store: StateStore) -> AnswerCache:
    """Return a cache on the service's store."""
    return AnswerCache(store)


async def test_what_is_kept_costs_nothing(cache: AnswerCache) -> None:
    """And says that it was there."""
    model = Model()
    first = await cache.answer(KEY, Answer, model)
    second = await cache.answer(KEY, Answer, model)
    assert (model.asked, first.content, second.content) == (1, second.content, Answer(text="yes"))
    assert (first.cached, first.cost, second.cached, second.cost) == (False, 0.1, True, 0)
    assert second.token_efficiency == 1
    await cache.answer(Key.of("answer", "2"), Answer, model)
    assert model.asked == 2


async def test_many_at_once_ask_once(cache: AnswerCache) -> None:
    """One pays."""
    model = Model()
    replies = await asyncio.gather(*(cache.answer(KEY, Answer, model) for _ in range(9)))
    assert model.asked == 1
    assert sum(reply.usage.tokens_in for reply in replies) == 2


async def test_who_goes_away_stops_nobody_else(cache: AnswerCache) -> None:
    """The answer comes for those who wait."""
    model = Model()
    first = asyncio.create_task(cache.answer(KEY, Answer, model))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(cache.answer(KEY, Answer, model))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).content.text == "yes"
    assert model.asked == 1


async def test_errors_are_not_kept(cache: AnswerCache) -> None:
    """All who wait hear of one; the next asks again."""
    model = Model(ModelUnavailableError())
    asked = [cache.answer(KEY, Answer, model) for _ in range(3)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(error, ModelUnavailableError) for error in found)
    model.error = None
    assert not (await cache.answer(KEY, Answer, model)).cached


async def test_a_budget_that_is_spent_is_nobody_elses(cache: AnswerCache) -> None:
    """Who waited for one that was refused asks in turn, and shares with the others."""
    poor, rich = Model(BudgetError("900 of 1000 tokens are spent.")), Model()
    asked = [cache.answer(KEY, Answer, model) for model in (poor, poor, rich, rich)]
    *refused, first, second = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in refused] == [BudgetError, BudgetError]
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (poor.asked, rich.asked, first.cached, second.cached) == (2, 1, False, True)


@pytest.mark.usefixtures("companions")
async def test_a_store_that_is_down_is_passed_over() -> None:
    """An answer that is paid twice is better than none."""
    async with Sidecar.open(load_settings(SidecarSettings)) as sidecar:
        cache = AnswerCache(StateStore(sidecar, StateConfig(component_name="not-there")))
        model = Model()
        for _ in range(2):
            assert (await cache.answer(KEY, Answer, model)).content.text == "yes"
    assert model.asked == 2
