"""How tests of the real stack run."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that wait for long: others run beside them."""
    items.sort(key=lambda item: (item.path.parent != HERE, item.path.stem != "test_state_ttl"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"
