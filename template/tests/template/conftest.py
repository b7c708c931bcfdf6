"""Agents of any settings, at the embedded server."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import SecretStr

from app.agents.client import Agent
from app.agents.ledger import Ledger
from app.agents.settings import AgentSettings
from app.core.config import load_settings
from app.core.declaration.agent import AgentConfig
from dev import Companion

KEY = "sk-never-to-be-seen-anywhere"
CONFIG = AgentConfig(model="gpt-4.1-mini", max_tokens=100, max_history=4)

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]


@pytest.fixture
def agent_with(companions: list[Companion]) -> AgentWith:
    """Return a function that opens an agent; settings and parts of its declaration may vary."""
    assert companions
    read = load_settings(AgentSettings)

    def open_agent(
        *, declared: dict[str, Any] | None = None, ledger: Ledger | None = None, **settings: Any
    ) -> AbstractAsyncContextManager[Agent]:
        own = {
            "openai_api_key": SecretStr(KEY),
            "openai_model": None,
            "max_tokens": None,
            "agent_seconds": 30.0,
            "agent_retries": 2,
            "agent_prices": None,
            **settings,
        }
        config = CONFIG.model_copy(update=declared or {})
        return Agent.open(config, read.model_copy(update=own), ledger)

    return open_agent


@pytest.fixture
async def agent(agent_with: AgentWith) -> AsyncGenerator[Agent]:
    """Return an agent."""
    async with agent_with() as agent:
        yield agent
