"""What the agent adds to openai's client, call by call, and 50 streams at once in one process.

The embedded OpenAI server answers, in a process of its own. A figure that is a time allowed has
that time as its baseline.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import aclosing, contextmanager

import httpx2
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from app.agents.client import Agent
from app.agents.reply import Message
from benchmarks.agent_server import CONFIG, quiet, settings
from benchmarks.figures import Figure

Probed = Mapping[str, float]

ROUNDS = 300
CALL_MS, FIRST_MS, BLOCKED_MS = 3.0, 5.0, 50.0
"""What the agent may add to a call, and to the first byte of a stream; the longest block."""
STREAMS, TURNS, WARM = 50, 20, 3
FLAT = 1.05
"""How much the peak of memory may grow once the first rounds are over."""
QUESTION = "What is a list comprehension, and when is a loop the better choice? " * 8


def figures() -> Iterator[Figure]:
    """Measure calls one by one, then streams at once."""
    with _server() as openai:
        url = f"http://127.0.0.1:{openai}/v1"
        quiet()
        times = asyncio.run(_calls(url))
        for name, allowed in (("call", CALL_MS), ("first byte of a stream", FIRST_MS)):
            added = times[f"agent, {name}"] - times[f"openai, {name}"]
            yield Figure(
                name=f"agent: added to a {name} of openai's client / allowed",
                value=added,
                unit="ms",
                baseline=allowed,
                goal=1.0,
                better="lower",
            )
            yield Figure(
                name=f"agent: {name} / openai's client",
                value=times[f"agent, {name}"],
                unit="ms",
                baseline=times[f"openai, {name}"],
                goal=None,
                better="lower",
            )
        with _server(url) as service:
            yield from _of_streams(*asyncio.run(_streams(service)))


@contextmanager
def _server(*arguments: str) -> Generator[int]:
    command = [sys.executable, "-m", "benchmarks.agent_server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


async def _calls(url: str) -> dict[str, float]:
    """Return the median milliseconds of each action; they take turns."""
    said: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": CONFIG.system_prompt_template},
        {"role": "user", "content": "What is a list?"},
    ]
    asked = [Message(role="user", content="What is a list?")]
    async with (
        AsyncOpenAI(base_url=url, api_key="not-needed-here", max_retries=0) as openai,
        Agent.open(CONFIG, settings(url)) as agent,
    ):

        async def bare() -> None:
            await openai.chat.completions.create(
                model=CONFIG.model, messages=said, temperature=0.7, max_tokens=2000
            )

        async def ours() -> None:
            await agent.chat(asked)

        async def bare_stream() -> AsyncGenerator[object]:
            stream = await openai.chat.completions.create(
                model=CONFIG.model, messages=said, max_tokens=2000, stream=True
            )
            async with stream:
                async for chunk in stream:
                    if chunk.choices and chunk.choices[0].delta.content:
                        yield chunk

        async def our_stream() -> AsyncGenerator[object]:
            async with aclosing(agent.stream(asked)) as parts:
                async for part in parts:
                    if part:
                        yield part

        actions = {
            "openai, call": lambda: _whole(bare),
            "agent, call": lambda: _whole(ours),
            "openai, first byte of a stream": lambda: _first(bare_stream),
            "agent, first byte of a stream": lambda: _first(our_stream),
        }
        taken: dict[str, list[float]] = {name: [] for name in actions}
        for _ in range(ROUNDS):
            for name, action in actions.items():
                taken[name].append(await action())
    return {name: statistics.median(times) * 1000 for name, times in taken.items()}


async def _whole(action: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await action()
    return time.perf_counter() - started


async def _first(stream: Callable[[], AsyncGenerator[object]]) -> float:
    """Return the time to the first piece; the rest is read, so that connections are kept."""
    started, first = time.perf_counter(), 0.0
    async for _ in stream():
        first = first or time.perf_counter() - started
    return first


async def _streams(port: int) -> tuple[Probed, Probed]:
    """Read many streams at once, round by round; return what was probed after the first ones."""
    limits = httpx2.Limits(max_connections=None)
    base = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(
        base_url=base, trust_env=False, limits=limits, timeout=60
    ) as http:

        async def read(number: int) -> None:
            answer = await http.post("/", content=f"{number} {QUESTION}")
            last = answer.text.strip().rpartition("data: ")[2]
            assert json.loads(last)["tokens_out"] > 0, answer.text

        async def turn() -> None:
            await asyncio.gather(*(read(number) for number in range(STREAMS)))

        for _ in range(WARM):
            await turn()
        before = (await http.get("/probe")).json()
        for _ in range(TURNS):
            await turn()
        after = (await http.get("/probe")).json()
    return before, after


def _of_streams(before: Probed, after: Probed) -> Iterator[Figure]:
    blocked = f"agent: {STREAMS} streams, longest turn of the event loop"
    for name, value, goal in (
        (f"{blocked} / allowed", after["busy"], 1.0),
        (f"{blocked}, waiting for a processor included", after["elapsed"], None),
    ):
        yield Figure(
            name=name,
            value=value * 1000,
            unit="ms",
            baseline=BLOCKED_MS,
            goal=goal,
            better="lower",
        )
    yield Figure(
        name=f"agent: memory, peak of {STREAMS * (TURNS + WARM)} streams / of {STREAMS * WARM}",
        value=after["peak"] / 1024,
        unit="MB",
        baseline=before["peak"] / 1024,
        goal=FLAT,
        better="lower",
    )
