"""The agent: a model to ask, its memory, what it costs, and answers that are kept."""

import gc
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from fastapi import FastAPI

from app.agents.cache import AnswerCache
from app.agents.client import Agent, smallest
from app.agents.errors import install_retry_after
from app.agents.history import History
from app.agents.ledger import Ledger
from app.agents.settings import AgentSettings
from app.agents.tickets import Tickets
from app.agents.usage import PriceTable
from app.core.config import ConfigurationError
from app.core.declaration.agent import AgentConfig
from app.core.feature import Feature
from app.core.resources import Resources
from app.services.state import StateStore


@contextmanager
def spared() -> Generator[None]:
    """Spare the garbage collector what is there by now, mostly modules.

    A pass over all of that stops every stream, for 50 ms and more.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@asynccontextmanager
async def open_agent(resources: Resources) -> AsyncGenerator[None]:
    """Offer the agent, the accounts of its users, its conversations, and a cache."""
    config, settings = resources.get(AgentConfig), resources.get(AgentSettings)
    store = resources.get(StateStore)
    async with (
        Ledger.open(store, settings.user_tokens_per_day) as ledger,
        Agent.open(config, settings, ledger) as agent,
    ):
        history = History(store, config, settings.history_tokens)
        for item in (agent, ledger, history, AnswerCache(store), Tickets(store)):
            resources.add(item)
        with spared():
            yield


def install(app: FastAPI, resources: Resources) -> None:
    """Check what would fail later, or for every user; tell callers when to try again."""
    config, settings = resources.get(AgentConfig), resources.get(AgentSettings)
    PriceTable.load(settings.agent_prices)
    budget, least = settings.user_tokens_per_day, smallest(config, settings)
    if budget is not None and budget < least:
        raise ConfigurationError(
            f"USER_TOKENS_PER_DAY={budget}: each call needs more, {least} tokens at least:"
            " MAX_TOKENS and the system prompt"
        )
    install_retry_after(app)


feature = Feature(
    name="agent",
    needs=["state"],
    settings=AgentSettings,
    section=AgentConfig,
    lifespan=open_agent,
    install=install,
)
