"""What a service counts is exact, whatever is killed meanwhile: nothing is lost, nothing twice."""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from tests.rendering import render
from tests.stack import Part, kafka, redis
from tests.stack.part import own_port
from tests.stack.service import SIDECAR_TOKEN, Deployed, deployed

pytestmark = [pytest.mark.stack, pytest.mark.anyio]

EVENTS = int(os.environ.get("CHAOS_EVENTS", "2000"))
ROUNDS = 2
"""How often each part is killed."""
USERS, PUBLISHERS = 40, 8
AHEAD = 800
"""So many events may be published that are not counted yet: a kill finds both at work."""
DOWN_SECONDS = 1.0
COUNT_SECONDS = 120.0
"""By then a share of the events is counted."""
QUIET_SECONDS = 15.0
"""Longer than a consumer group waits for a member that was killed: nothing comes after that."""

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Source:
    """Publishes events through the service's sidecar, each until the sidecar says 204."""

    def __init__(self, sidecar: str) -> None:
        self._url = f"{sidecar}/v1.0/publish/kafka-pubsub/activity.recorded"
        self._left = iter(range(EVENTS))
        self.allowed = 0
        """It waits once it has published so many."""
        self.published = 0
        self.tries = 0

    async def publish(self) -> None:
        """Publish all, several at a time."""
        headers = {"content-type": "application/cloudevents+json", "dapr-api-token": SIDECAR_TOKEN}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=10) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(PUBLISHERS):
                group.create_task(self._some(client))

    async def _some(self, client: httpx2.AsyncClient) -> None:
        for number in self._left:
            while number >= self.allowed:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while not await self._one(client, number):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
            self.published += 1

    async def _one(self, client: httpx2.AsyncClient, number: int) -> bool:
        # Every other event falls into one entry: what comes again there comes in long runs.
        user = "busy-user" if number % 2 else f"user-{number % USERS}"
        envelope = {
            "specversion": "1.0",
            "id": f"event-{number}",
            "source": "chaos",
            "type": "ActivityRecorded",
            "datacontenttype": "application/json",
            "data": {"user_id": user, "activity": "clicked", "timestamp": NOW.isoformat()},
        }
        self.tries += 1
        with suppress(httpx2.TransportError):
            answer = await client.post(
                self._url, params={"metadata.partitionKey": user}, json=envelope
            )
            return answer.status_code == 204
        return False


@asynccontextmanager
async def counting(folder: Path) -> AsyncGenerator[tuple[Deployed, Sequence[Part]]]:
    """Run an event processor on Kafka and Redis; yields it, and all that can be killed."""
    path = render(folder / "event-processor-service", service_type="event-processor")
    async with (
        kafka(folder / "kafka") as broker,
        redis(folder / "redis", appendfsync="always") as store,
        deployed(
            path, own_port(), broker=broker, store=store, names=folder / "names.sqlite"
        ) as service,
    ):
        await service.ready()
        yield service, (service.app, service.sidecar, broker, store)


async def counted(service: Deployed) -> int:
    """Return what the service has counted; -1 while it can't tell."""
    with suppress(httpx2.TransportError):
        async with service.client() as client:
            answer = await client.get(f"/counts/{NOW.date()}")
        return int(answer.json()["total"]) if answer.status_code == 200 else -1
    return -1


async def kill_in_turn(
    parts: Sequence[Part], source: Source, service: Deployed
) -> list[tuple[str, float]]:
    """Kill each part `ROUNDS` times, each time at a further share of the events.

    Returns what was killed, and how many seconds later the next share was counted.
    """
    found: list[tuple[str, float]] = []
    victims = list(parts) * ROUNDS
    shares = [EVENTS * number // (len(victims) + 1) for number in range(1, len(victims) + 2)]
    source.allowed = shares[0] + AHEAD
    await until_counted(service, shares[0])
    for part, share in zip(victims, shares[1:], strict=True):
        source.allowed = share + AHEAD
        started = time.monotonic()
        await part.kill()
        await asyncio.sleep(DOWN_SECONDS)
        await part.start()
        await until_counted(service, share)
        found.append((part.name, time.monotonic() - started))
    return found


async def until_counted(service: Deployed, events: int) -> None:
    """Wait until so many are counted, or as long as that may take."""
    with suppress(TimeoutError):
        async with asyncio.timeout(COUNT_SECONDS):
            while await counted(service) < events:  # noqa: ASYNC110
                await asyncio.sleep(0.1)


async def test_counts_are_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """App, sidecar, Kafka and Redis are killed in turn while events come: each counts once."""
    async with counting(tmp_path) as (service, parts):
        source = Source(service.sidecar.url)
        publishing = asyncio.create_task(source.publish())
        killed = await kill_in_turn(parts, source, service)
        await publishing
        await asyncio.sleep(QUIET_SECONDS)
        total, handled = await counted(service), deliveries(service.app.log)
    with capsys.disabled():
        print(f"\n{EVENTS} events published in {source.tries} tries; counted {total}")
        print(f"{len(handled)} deliveries of {len(set(handled))} events; a kill, and what follows:")
        print(*(f"  {name:<32} {seconds:5.1f} s" for name, seconds in killed), sep="\n")
    assert total == EVENTS


def deliveries(log: Path) -> list[str]:
    """Return the ids of the events that were handled, once for each time."""
    lines = (line for line in log.read_text().splitlines() if '"event.handled"' in line)
    return [json.loads(re.sub(r"^.*?\{", "{", line))["event_id"] for line in lines]
