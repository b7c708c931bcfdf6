"""APP_API_TOKEN: who may call the service."""

from collections.abc import AsyncGenerator

import pytest
from httpx2 import AsyncClient

from app.main import create_app
from dev.serve import HOST, serve


@pytest.fixture
async def guarded(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[AsyncClient]:
    """Run the service with a token."""
    monkeypatch.setenv("APP_API_TOKEN", "s3cret")
    async with (
        serve(create_app(features=[])) as port,
        AsyncClient(base_url=f"http://{HOST}:{port}") as client,
    ):
        yield client


@pytest.mark.parametrize("token", [None, "", "wrong", "s3cret2"])
async def test_without_the_token_nothing_is_answered(
    guarded: AsyncClient, token: str | None
) -> None:
    """401, in the shape of all failures, and no word of the right one."""
    headers = {} if token is None else {"dapr-api-token": token}
    answer = await guarded.get("/openapi.json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert "s3cret" not in answer.text


async def test_with_the_token_it_is_as_without_one(guarded: AsyncClient) -> None:
    """The sidecar sends it with every call."""
    answer = await guarded.get("/openapi.json", headers={"dapr-api-token": "s3cret"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_probes_need_none(guarded: AsyncClient, path: str) -> None:
    """Dapr's and Kubernetes' probes can't send one."""
    assert (await guarded.get(path)).status_code == 200
