"""`/health`, `/ready` and `/metrics`."""

import asyncio
from collections.abc import Collection
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from app.core.feature import Check
from app.core.resources import Resources

CHECK_SECONDS = 3.0  # a check that takes longer has failed


class Readiness(BaseModel):
    """Whether the service can do its work now; each check is `ok` or says what is wrong."""

    status: Literal["ready", "not ready"]
    checks: dict[str, str]


def health_router(checks: Collection[Check]) -> APIRouter:
    """Return the routes; `/ready` asks all `checks` side by side."""
    router = APIRouter(tags=["health"])

    @router.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/ready", responses={503: {"model": Readiness}})
    async def ready(request: Request, response: Response) -> Readiness:
        resources: Resources = request.app.state.resources
        results = dict(await asyncio.gather(*(_ask(check, resources) for check in checks)))
        good = all(result == "ok" for result in results.values())
        response.status_code = 200 if good else 503
        return Readiness(status="ready" if good else "not ready", checks=results)

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


async def _ask(check: Check, resources: Resources) -> tuple[str, str]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check.run(resources)
    except Exception as error:  # whatever it is, it is the reason for not being ready
        return check.name, f"{type(error).__name__}: {error}".removesuffix(": ")
    return check.name, "ok"
