"""Agents of any settings at the embedded server, and a store."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.agents.client import Agent
from app.agents.ledger import Ledger
from app.agents.settings import AgentSettings
from app.core import declaration
from app.core.declaration.agent import AgentConfig
from app.core.declaration.state import StateConfig
from app.services.sidecar import Sidecar
from app.services.state import StateStore
from dev.openai import OpenAIServer
from dev.serve import HOST, serve

KEY = "sk-never-to-be-seen-anywhere"
CONFIG = AgentConfig(model="gpt-4.1-mini", max_tokens=100, max_history=4)

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]


@pytest.fixture
async def served() -> AsyncGenerator[tuple[OpenAIServer, str]]:
    """Return a server of its own and its URL: for an agent alone, nothing else need run."""
    server = OpenAIServer()
    async with serve(server.app) as port:
        yield server, f"http://{HOST}:{port}/v1"


@pytest.fixture
def openai_server(served: tuple[OpenAIServer, str]) -> OpenAIServer:
    """Return the server that the agents ask."""
    return served[0]


@pytest.fixture
def agent_with(served: tuple[OpenAIServer, str]) -> AgentWith:
    """Return a function that opens an agent; settings and parts of its declaration may vary."""

    def open_agent(
        *, declared: dict[str, Any] | None = None, ledger: Ledger | None = None, **settings: Any
    ) -> AbstractAsyncContextManager[Agent]:
        own = {"openai_api_key": SecretStr(KEY), "openai_base_url": served[1], **settings}
        config = CONFIG.model_copy(update=declared or {})
        return Agent.open(config, AgentSettings.model_construct(None, **own), ledger)

    return open_agent


@pytest.fixture
async def agent(agent_with: AgentWith) -> AsyncGenerator[Agent]:
    """Return an agent."""
    async with agent_with() as agent:
        yield agent


@pytest.fixture
def store(connection: Sidecar) -> StateStore:
    """Return the service's store, with ETags and without a prefix; the service does not run."""
    declared = declaration.load(Path("app/service.yaml")).section(StateConfig)
    return StateStore(connection, declared.model_copy(update={"use_etag": True, "key_prefix": ""}))
