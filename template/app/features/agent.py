"""The agent: a model to ask, and its memory."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.agents.client import Agent
from app.agents.history import History
from app.agents.settings import AgentSettings
from app.core.declaration.agent import AgentConfig
from app.core.feature import Feature
from app.core.resources import Resources
from app.services.state import StateStore


@asynccontextmanager
async def open_agent(resources: Resources) -> AsyncGenerator[None]:
    """Offer the agent and the history of its conversations."""
    config = resources.get(AgentConfig)
    async with Agent.open(config, resources.get(AgentSettings)) as agent:
        resources.add(agent)
        resources.add(History(resources.get(StateStore), config))
        yield


feature = Feature(
    name="agent",
    needs=["state"],
    settings=AgentSettings,
    section=AgentConfig,
    lifespan=open_agent,
)
