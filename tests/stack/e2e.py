"""The fleet on the real stack: the demo's question, its answer, what is stored and counted."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dev.openai import openai_app
from dev.serve import HOST, serve
from fleet.demo import QUESTION, STUDENT, body, counted, wait_for_counts
from fleet.services import LEARNFLOW, FleetError, Service, build_folder, render
from tests.stack.kafka import kafka
from tests.stack.part import own_port
from tests.stack.postgresql import postgresql
from tests.stack.redis import redis
from tests.stack.service import Deployed, Store, deployed

Backend = Literal["redis", "postgresql"]
Progress = Callable[[str], object]

BACKENDS: tuple[Backend, ...] = ("redis", "postgresql")

WANTED = {"queries": 2, "answers": 2}
COUNT_SECONDS = 60.0
"""Topics and consumer groups are being made meanwhile."""
QUIET_SECONDS = 2.0
"""After that, nothing may have been counted once more."""


@dataclass
class Result:
    """What came of one run."""

    backend: Backend
    answered_by: str
    counts: dict[str, int]
    keys: dict[str, int]
    """App-id, or the prefix that is shared → entries in the store."""
    ask_ms: float
    up_seconds: float
    seconds: float


async def e2e(backend: Backend, progress: Progress) -> Result:
    """Run the fleet on Kafka and `backend`, or raise a FleetError or StackError."""
    begun = time.monotonic()
    async with _fleet(backend, progress) as (store, fleet):
        up_seconds = time.monotonic() - begun
        progress(f"{backend}: {len(fleet)} services are ready, each under its own sidecar")
        (triage, asked), (counter, counting) = fleet["triage"], fleet["progress"]
        question = {"student_id": STUDENT, "query": QUESTION}
        async with asked.client() as client, counting.client() as reader:
            started = time.perf_counter()
            answer = body(await client.post("/ask", json=question), 200)
            ask_ms = (time.perf_counter() - started) * 1000
            if not answer.get("content"):
                raise FleetError(f"the answer is empty: {answer}")
            body(await client.post("/query", json=question), 202)
            nothing = dict.fromkeys(WANTED, 0)
            await wait_for_counts(reader, counter, WANTED, nothing, COUNT_SECONDS)
            await asyncio.sleep(QUIET_SECONDS)
            found = await counted(reader, counter)
        keys = Counter(key.partition("||")[0] for key in await store.keys())
        for needed in (triage.app_id, counter.app_id, "concepts-service"):
            if not keys[needed]:
                raise FleetError(f"{needed} has stored nothing in {backend}: {dict(keys)}")
        if found != WANTED:
            raise FleetError(f"progress counted {found}, not {WANTED}")
        progress(f"{backend}: answered, stored and counted; ending")
    return Result(
        backend=backend,
        answered_by=answer["agent_type"],
        counts=found,
        keys=dict(keys),
        ask_ms=round(ask_ms, 1),
        up_seconds=round(up_seconds, 1),
        seconds=round(time.monotonic() - begun, 1),
    )


def table(results: Iterable[Result]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"{'store':<12} {'answered by':<12} questions answers   keys seconds"
    for result in results:
        yield (
            f"{result.backend:<12} {result.answered_by:<12} {result.counts['queries']:>9}"
            f" {result.counts['answers']:>7} {sum(result.keys.values()):>6} {result.seconds:>7}"
        )


@asynccontextmanager
async def _fleet(
    backend: Backend, progress: Progress
) -> AsyncGenerator[tuple[Store, dict[str, tuple[Service, Deployed]]]]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(build_folder("e2e"))
        for earlier in folder.iterdir():
            shutil.rmtree(earlier, ignore_errors=True)
        progress(f"{backend}: starting Kafka and {backend}")
        broker = await stack.enter_async_context(kafka(folder / "kafka"))
        store = await stack.enter_async_context(_store(backend, folder))
        openai = await stack.enter_async_context(serve(openai_app()))
        env = {"OPENAI_BASE_URL": f"http://{HOST}:{openai}/v1", "OPENAI_API_KEY": "not-needed-here"}
        fleet: dict[str, tuple[Service, Deployed]] = {}

        async def deploy(service: Service) -> None:
            running = deployed(
                service.path,
                service.port,
                broker=broker,
                store=store,
                names=folder / "names.sqlite",
                env=env,
            )
            fleet[service.preset] = service, await stack.enter_async_context(running)

        progress(f"{backend}: generating {len(LEARNFLOW)} services")
        services = [
            await asyncio.to_thread(render, name, own_port(), folder, state_backend=backend)
            for name in LEARNFLOW
        ]
        progress(f"{backend}: starting them")
        try:
            async with asyncio.TaskGroup() as group:
                for service in services:
                    group.create_task(deploy(service))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        await asyncio.gather(*(running.ready() for _, running in fleet.values()))
        yield store, fleet


def _store(backend: Backend, folder: Path) -> AbstractAsyncContextManager[Store]:
    if backend == "redis":
        return redis(folder / "redis", appendfsync="everysec")
    return postgresql(folder / "postgresql")
