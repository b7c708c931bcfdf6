"""An OpenAI-compatible server: deterministic answers that fit what was asked."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from os import environ
from pathlib import Path

from starlette.types import ASGIApp

from dev import Companion
from dev.openai.script import Call, Failure, Raw, Reply, Silence
from dev.openai.server import OpenAIServer
from dev.serve import HOST, free_port, serve

__all__ = [
    "NAME",
    "Call",
    "Failure",
    "OpenAIServer",
    "Raw",
    "Reply",
    "Silence",
    "companion",
    "openai_app",
]

NAME = "openai_server"


def openai_app() -> ASGIApp:
    """Return a server as an ASGI application."""
    return OpenAIServer().app


@asynccontextmanager
async def companion(app_id: str, app_port: int, usual: bool) -> AsyncGenerator[Companion]:
    """Run the server for a service; under `make dev` an OPENAI_BASE_URL of yours wins."""
    server = OpenAIServer(environ.get("OPENAI_MODEL") or _declared())
    async with serve(server.app, port=free_port(8081, but=app_port) if usual else 0) as port:
        own = environ.get("OPENAI_BASE_URL") if usual else None
        url = f"http://{HOST}:{port}/v1"
        env = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "not-needed-here"}
        yield Companion(name=NAME, url=own or url, server=server, env={} if own else env)


def _declared() -> str:
    # here: a broken service fails its tests, not pytest
    from app.core import declaration
    from app.core.declaration.agent import AgentConfig

    return declaration.load(Path("app/service.yaml")).section(AgentConfig).model
