"""Running code: what is asked for is checked already, nothing is run yet."""

import pytest
from httpx2 import AsyncClient


async def test_without_a_sandbox_nothing_runs(client: AsyncClient) -> None:
    """The service says that it can't, in the shape of all its failures."""
    answer = await client.post("/execute", json={"code": "print(input())", "stdin": "1"})
    assert answer.status_code == 501
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not-implemented"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"code": ""},
        {"code": "x" * 50_001},
        {"code": "1", "seconds": 5.1},
        {"code": "1", "seconds": 0},
        {"code": "1", "memory_mb": 51},
        {"code": "1", "output_bytes": 1_000_000},
        {"code": "1", "stdin": "x" * 100_001},
    ],
)
async def test_no_limit_can_be_raised(client: AsyncClient, asked: dict[str, object]) -> None:
    """5 s, 50 MB and the cap on output are the most there is."""
    answer = await client.post("/execute", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
