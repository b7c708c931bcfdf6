"""`python -m benchmarks.agent_server [URL]`: what the agent is measured with; prints its port.

Without a URL it is the embedded OpenAI server; with the URL of one, an application that streams
the answers of an agent, and tells at `/probe` how long its event loop was busy and its memory.
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager, redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "template"))  # as they stand

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from app.agents.client import Agent
from app.agents.reply import Message, Reply
from app.agents.settings import AgentSettings
from app.agents.sse import Event, EventStream
from app.core.config import Settings
from app.core.declaration.agent import AgentConfig
from app.core.telemetry import configure_logging
from app.features.agent import spared
from dev.openai import openai_app
from dev.serve import serve

PROMPT = " ".join(f"Rule {number}: answer with a question of your own." for number in range(111))
"""About 5,000 characters, all of which each answer is compared with."""
CONFIG = AgentConfig(model="gpt-4.1-mini", max_tokens=2000, system_prompt_template=PROMPT)
TICK = 0.001  # seconds


def settings(url: str) -> AgentSettings:
    """Return the settings of an agent at the server."""
    return AgentSettings(openai_api_key=SecretStr("not-needed-here"), openai_base_url=url)


def quiet() -> None:
    """Log as a service does, but to nowhere."""
    with redirect_stdout(Path(os.devnull).open("w")):
        configure_logging(Settings(log_format="json"))


class Probe:
    """Looks how long the event loop runs between two of its turns, in seconds."""

    def __init__(self) -> None:
        self.elapsed = self.busy = 0.0

    async def watch(self) -> None:
        """Look until cancelled; `busy` counts the processor's time of this thread alone."""
        while True:
            started, used = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK)
            self.elapsed = max(self.elapsed, time.perf_counter() - started - TICK)
            self.busy = max(self.busy, time.thread_time() - used)


def service(agent: Agent, probe: Probe) -> ASGIApp:
    """Return an application that streams answers."""

    async def events(question: str) -> AsyncGenerator[Event]:
        async with aclosing(agent.stream([Message(role="user", content=question)])) as parts:
            async for part in parts:
                if isinstance(part, Reply):
                    yield Event("done", {"tokens_out": part.usage.tokens_out})
                else:
                    yield Event("delta", {"content": part})

    async def stream(request: Request) -> EventStream:
        return EventStream(events((await request.body()).decode()))

    async def look(_: Request) -> JSONResponse:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = {"elapsed": probe.elapsed, "busy": probe.busy, "peak": peak}
        probe.elapsed = probe.busy = 0.0
        return JSONResponse(found)

    return Starlette(routes=[Route("/", stream, methods=["POST"]), Route("/probe", look)])


@asynccontextmanager
async def _app(url: str) -> AsyncGenerator[ASGIApp]:
    if not url:
        yield openai_app()
        return
    async with Agent.open(CONFIG, settings(url)) as agent:
        probe = Probe()
        watching = asyncio.create_task(probe.watch())
        with spared():  # as the feature does
            yield service(agent, probe)
        watching.cancel()


async def main(url: str) -> None:
    """Serve until the process is told to end."""
    async with _app(url) as app, serve(app) as port:
        print(port, flush=True)
        quiet()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
