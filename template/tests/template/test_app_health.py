"""Liveness, readiness, metrics."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from httpx2 import AsyncClient

from app.core import health
from app.core.feature import Check, Feature
from app.core.resources import Resources
from app.main import create_app
from dev.serve import HOST, serve


async def good(_: Resources) -> None:
    """Pass."""


async def bad(_: Resources) -> None:
    """Fail with a reason."""
    raise ConnectionError("the disk is full")


async def slow(_: Resources) -> None:
    """Never answer."""
    await asyncio.Event().wait()


@asynccontextmanager
async def checked(**checks: Check) -> AsyncGenerator[AsyncClient]:
    """Run the service with nothing but these checks."""
    feature = Feature(name="test", checks=list(checks.values()))
    app = create_app(features=[feature])
    async with serve(app) as port, AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        yield client


async def test_ready_names_each_check() -> None:
    """200 where all is well."""
    async with checked(one=Check(name="one", run=good), two=Check(name="two", run=good)) as client:
        answer = await client.get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"one": "ok", "two": "ok"}}


async def test_not_ready_says_why() -> None:
    """503, with the reason of the check that failed; the process is alive all the same."""
    async with checked(one=Check(name="one", run=good), two=Check(name="two", run=bad)) as client:
        answer = await client.get("/ready")
        alive = await client.get("/health")
    assert answer.status_code == 503
    reason = "ConnectionError: the disk is full"
    assert answer.json() == {"status": "not ready", "checks": {"one": "ok", "two": reason}}
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


async def test_a_check_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe gets its answer in time."""
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    async with checked(one=Check(name="one", run=slow)) as client:
        answer = await client.get("/ready")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"one": "TimeoutError"})


async def test_requests_are_counted() -> None:
    """By route, not by path: ids in paths would be endless."""
    async with checked() as client:
        await client.get("/nowhere/1")
        await client.get("/health")
        metrics = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/health",status="200"}' in metrics
    assert 'route="unmatched",status="404"' in metrics
    assert "/nowhere" not in metrics
