"""Calls from this service to others: declared, typed, errors told apart."""

from collections.abc import AsyncGenerator

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.core.declaration.invocation import InvokeConfig, InvokeTarget
from app.core.errors import ServiceError
from app.services.invoke import CalleeError, Invoker, UndeclaredTargetError
from app.services.sidecar import Sidecar
from dev.serve import HOST, serve
from dev.sidecar import Sidecar as EmbeddedSidecar
from dev.sidecar.blocks import App


class Text(BaseModel):
    """What is asked and told."""

    text: str


async def tell(request: Request) -> Response:
    """Say it again, or that there is no such thing, or something else."""
    said = await request.json()
    if said["text"] == "none":
        return JSONResponse({"detail": "no such lamp", "code": "not-found"}, 404)
    return JSONResponse(said if said["text"] != "odd" else ["odd"])


@pytest.fixture
async def invoker(service: FastAPI, sidecar: EmbeddedSidecar) -> AsyncGenerator[Invoker]:
    """Return a client that may call another service, which runs."""
    resources = service.state.resources
    targets = [
        InvokeTarget(app_id="callee", methods=["tell"]),
        InvokeTarget(app_id="nobody", methods=["tell"]),
    ]
    async with serve(Starlette(routes=[Route("/tell", tell, methods=["POST"])])) as port:
        callee = App(app_id="callee", address=f"http://{HOST}:{port}", components={})
        sidecar.add(callee)
        config = resources.get(InvokeConfig).model_copy(
            update={"targets": targets, "default_timeout_ms": 5000, "max_retries": 0}
        )
        yield Invoker(resources.get(Sidecar), config)
        sidecar.pause(callee)


async def test_an_answer_has_the_type_asked_for(invoker: Invoker) -> None:
    """What has another is the callee's error, as what it calls one itself."""
    assert await invoker.call("callee", "tell", Text(text="ä"), Text) == Text(text="ä")
    with pytest.raises(CalleeError):
        await invoker.call("callee", "tell", Text(text="odd"), Text)
    with pytest.raises(CalleeError, match="no such lamp") as caught:
        await invoker.call("callee", "tell", Text(text="none"), Text)
    assert (caught.value.answered, caught.value.outage) == (404, False)


async def test_who_is_not_there_is_away(invoker: Invoker) -> None:
    """An outage, which passes."""
    with pytest.raises(ServiceError) as caught:
        await invoker.call("nobody", "tell", Text(text="ä"), Text)
    assert caught.value.outage


async def test_what_is_not_declared_is_not_called(service: FastAPI) -> None:
    """A bug, found before the network."""
    invoker = service.state.resources.get(Invoker)
    with pytest.raises(UndeclaredTargetError, match="tests-own/erase"):
        await invoker.call("tests-own", "erase", Text(text="ä"), Text)
