"""What is away comes back: a service goes on by itself, and no event is given up meanwhile."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stack.counting import TOPIC, Counting, counting, publish
from tests.stack.service import TOKENS

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

SECONDS = 90.0
DEADLY = "deadly"
HANDLER = f"""\
import os

from app.models.event_processor import ActivityRecorded
from app.services.pubsub import on
from app.usecases.counting import CounterDep


@on("activity.recorded")
async def recorded(event: ActivityRecorded, counter: CounterDep) -> None:
    if event.activity == "{DEADLY}":
        os._exit(1)
    await counter.add(event)
"""


def made_deadly(service: Path) -> None:
    """Let a kind of event kill the service; its sidecar gives up earlier than it would."""
    (service / "app" / "handlers" / "event_processor.py").write_text(HANDLER)
    policy = service / "dapr" / "resiliency.yaml"
    text = policy.read_text().replace("duration: 5s", "duration: 2s")
    policy.write_text(text.replace("maxRetries: 200", "maxRetries: 5"))


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Counting]:
    """Run the service that counts, in which some events are deadly."""
    async with counting(tmp_path_factory.mktemp("outages"), made_deadly) as running:
        yield running


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something; raises TimeoutError."""
    async with asyncio.timeout(SECONDS):
        while not await true():  # noqa: ASYNC110 - other processes make it true
            await asyncio.sleep(0.1)


async def health(running: Counting) -> tuple[int, int, dict[str, Any]]:
    """Return the statuses of `/health` and `/ready`, and what the checks say."""
    async with running.service.client() as client:
        alive, ready = await client.get("/health"), await client.get("/ready")
    return alive.status_code, ready.status_code, ready.json()["checks"]


async def count(running: Counting, number: int, activity: str = "clicked", user: str = "u") -> None:
    """Publish an event and wait until one more is counted."""
    before = await running.counted()
    assert before >= 0

    async def counted() -> bool:
        return await running.counted() == before + 1

    async with running.publisher() as client:
        await until(lambda: publish(client, number, user, activity))
    await until(counted)


async def letters(running: Counting) -> list[dict[str, Any]]:
    """Return what the command lists."""
    environment = {"DAPR_HTTP_PORT": str(running.service.sidecar.http_port), **TOKENS}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.dead_letters", "list", "--json"),
        cwd=running.service.app.cwd,
        env=environment,
        stdout=PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


async def test_a_sidecar_that_dies_and_returns_is_survived(running: Counting) -> None:
    """The service is alive and says that it is not ready; then events come again."""
    await count(running, 1)
    await running.service.sidecar.kill()
    alive, ready, checks = await health(running)
    assert (alive, ready) == (200, 503)
    assert "(DAPR_HTTP_PORT): health: " in checks["sidecar"]
    await running.service.sidecar.start()
    await running.service.ready()
    await count(running, 2)


async def test_a_sidecar_that_comes_late_is_waited_for(running: Counting) -> None:
    """For a bounded time; then the service starts without it, and says what it lacks."""
    await running.service.sidecar.kill()
    await running.service.app.stop()
    await running.service.app.start()
    assert (await health(running))[:2] == (200, 503)
    said = running.service.app.tail()
    assert "sidecar.awaited" in said
    assert "sidecar.absent" in said
    await running.service.sidecar.start()
    await running.service.ready()
    await count(running, 3)


async def test_an_outage_gives_no_event_up(running: Counting) -> None:
    """The store is away until the tries of events are used up; none is a dead letter."""
    before, app = await running.counted(), running.service.app
    await running.store.kill()

    async def used_up() -> bool:
        return app.log.read_text().count('"event.postponed"') >= 2

    async with running.publisher() as client:
        for number in range(100, 140):
            await until(lambda n=number: publish(client, n, f"user-{n}"))
    assert (await health(running))[:2] == (200, 503)
    await until(used_up)
    await running.store.start()

    async def all_counted() -> bool:
        return await running.counted() == before + 40

    await until(all_counted)
    assert await letters(running) == []


async def test_a_store_that_takes_no_writes_gives_no_event_up(running: Counting) -> None:
    """It can be read meanwhile, and Dapr calls each write a conflict; none is a dead letter."""
    await count(running, 150)
    before, app = await running.counted(), running.service.app
    postponed = app.log.read_text().count('"event.postponed"')
    await running.store.take_writes(yes=False)

    async def used_up() -> bool:
        return app.log.read_text().count('"event.postponed"') > postponed

    async def counted() -> bool:
        return await running.counted() == before + 1

    async with running.publisher() as client:
        await until(lambda: publish(client, 151, "u"))
    await until(used_up)
    await running.store.take_writes(yes=True)
    await until(counted)
    assert await letters(running) == []


async def test_an_event_that_kills_the_process_is_a_dead_letter(running: Counting) -> None:
    """In the end; those of other learners go on meanwhile, and its own learner's after it."""
    app = running.service.app
    async with running.publisher() as client:
        await until(lambda: publish(client, 200, "u", DEADLY))

    async def given_up() -> bool:
        if not app.running:  # a cluster starts it again
            await app.stop()
            await app.start()
        return app.running and bool(await letters(running))

    await until(given_up)
    (letter,) = await letters(running)
    assert letter["error_type"] == "Undelivered"
    assert letter["original_payload"]["id"] == "event-200"
    await count(running, 201)


async def test_what_no_app_can_be_given_blocks_no_partition(running: Counting) -> None:
    """Neither of the events nor of the dead letters: the next of a key is counted, or kept."""
    key = "a\x01b"  # which no header can hold
    how = {"metadata.partitionKey": key, "metadata.rawPayload": "true"}
    bodies = {"no json", "[]"}
    async with running.publisher() as client:
        for body in bodies:
            assert (await client.post(TOPIC, params=how, content=body)).status_code == 204

    async def kept() -> bool:
        found = await letters(running)
        return bodies <= {letter["original_payload"].get("raw") for letter in found}

    await until(kept)
    await count(running, 300, user=key)


async def test_an_event_too_large_for_its_dead_letter_is_cut(running: Counting) -> None:
    """Kafka takes the event, and not the letter with it in it: others of its key go on."""
    await count(running, 310, user="large")
    key, size = {"metadata.partitionKey": "large"}, 1_048_576
    large: dict[str, Any] = {"specversion": "1.0", "id": "large", "source": "stack", "type": "A"}
    async with running.publisher() as client:

        async def taken() -> bool:
            nonlocal size
            size -= 10  # Dapr adds to it, and 1 MiB is the most
            body = {**large, "data": {"pad": "x" * size}}
            answer = await client.post("activity.recorded", params=key, json=body)
            return answer.status_code == 204

        await until(taken)

    await count(running, 311, user="large")

    async def kept() -> bool:
        found = [
            (each["original_payload"].get("id"), each["error_type"])
            for each in await letters(running)
        ]
        return ("large", "ValidationError") in found

    await until(kept)
