"""The fixture for tests that look at, or write, what the model says."""

import pytest

from dev.companions import Companion, server_of
from dev.openai.server import OpenAIServer


@pytest.fixture
def openai_server(companions: list[Companion]) -> OpenAIServer:
    """Return the server that the service asks."""
    return server_of(companions, OpenAIServer)
