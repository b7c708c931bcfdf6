"""The services that these tests look at: every preset, and mixes of features that none has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.service import Rendered

AWKWARD = 'Says "hi": it\'s 100 % {{ odd }} # not $HOME \\ 🎉\nand goes on'
SERVICES: dict[str, dict[str, Any]] = {
    **{
        kind: {"service_type": kind}
        for kind in (
            "triage",
            "concepts",
            "code-review",
            "debug",
            "exercise",
            "progress",
            "generic",
            "ai-agent",
            "crud-api",
            "event-processor",
            "code-executor",
        )
    },
    "nothing": {"features": []},
    "pubsub": {"features": ["pubsub"], "port": 9000, "consumer_group": "orders"},
    "state": {"features": ["state"], "state_backend": "redis", "python_version": "3.14"},
    "shared state": {"service_type": "concepts", "state_backend": "redis"},
    "invocation": {"features": ["invocation"], "port": 65535},
    "all": {
        "service_name": "all-in-one",
        "description": AWKWARD,
        "features": ["pubsub", "state", "invocation", "agent"],
        "model": "gpt-4o",
        "pubsub_component": "events",
        "state_component": "store",
        "python_version": "3.12",
        "version": "1.2.3-rc.1",
    },
}


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest, rendered: Callable[..., Path]) -> Rendered:
    """Return each of the services in turn."""
    return Rendered(rendered(request.param, **SERVICES[request.param]))
