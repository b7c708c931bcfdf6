"""The fixture for tests that look at the sidecar, or act through it."""

import pytest

from dev.companions import Companion, server_of
from dev.sidecar.core import Sidecar


@pytest.fixture
def sidecar(companions: list[Companion]) -> Sidecar:
    """Return the sidecar that the service talks to."""
    return server_of(companions, Sidecar)
