"""The connection to a sidecar alone."""

from collections.abc import AsyncGenerator

import pytest

from app.core.config import load_settings
from app.services.sidecar import Sidecar, SidecarSettings
from dev import Companion


@pytest.fixture
async def connection(companions: list[Companion]) -> AsyncGenerator[Sidecar]:
    """Return the connection to the embedded sidecar; no service is built around it."""
    assert companions
    async with Sidecar.open(load_settings(SidecarSettings)) as connection:
        await connection.healthy()  # as at start: from now on a connection is open
        yield connection
