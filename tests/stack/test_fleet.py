"""The fleet on the real stack: on Redis, then on PostgreSQL."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from tests.stack.conftest import RESULT
from tests.stack.e2e import BACKENDS, WANTED, Backend, e2e

pytestmark = [pytest.mark.stack, pytest.mark.anyio]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_it_answers_and_counts(
    backend: Backend, record_property: Callable[[str, object], None]
) -> None:
    """The demo's question is answered, what comes of it stored, and each event counted once."""
    result = await e2e(backend, print)
    record_property(RESULT, asdict(result))
    assert result.counts == WANTED
