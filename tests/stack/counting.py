"""An event processor on Kafka and Redis: what is published to it, and what it has counted."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import httpx2

from tests.rendering import render
from tests.stack.kafka import Kafka, kafka
from tests.stack.part import own_port
from tests.stack.redis import Redis, redis
from tests.stack.service import SIDECAR_TOKEN, Deployed, deployed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TODAY = NOW.date()
TOPIC = "activity.recorded"


@dataclass(frozen=True)
class Counting:
    """The service, and all else that can be killed."""

    service: Deployed
    broker: Kafka
    store: Redis

    def publisher(self) -> httpx2.AsyncClient:
        """Return a client that publishes through the service's sidecar."""
        return httpx2.AsyncClient(
            base_url=f"{self.service.sidecar.url}/v1.0/publish/kafka-pubsub/",
            headers={
                "content-type": "application/cloudevents+json",
                "dapr-api-token": SIDECAR_TOKEN,
            },
            trust_env=False,
            verify=False,
            timeout=10,
        )

    async def counted(self, day: date = TODAY) -> int:
        """Return what the service has counted of a day; -1 while it can't tell."""
        with suppress(httpx2.TransportError):
            async with self.service.client() as client:
                answer = await client.get(f"/counts/{day}")
            return int(answer.json()["total"]) if answer.status_code == 200 else -1
        return -1


@asynccontextmanager
async def counting(
    folder: Path,
    change: Callable[[Path], object] = lambda _: None,
    sidecar_log_level: str = "info",
) -> AsyncGenerator[Counting]:
    """Run it until it is ready; `change` may change what was generated."""
    path = render(folder / "event-processor-service", service_type="event-processor")
    change(path)
    async with (
        kafka(folder / "kafka") as broker,
        redis(folder / "redis", appendfsync="always") as store,
        deployed(
            path,
            own_port(),
            broker=broker,
            store=store,
            names=folder / "names.sqlite",
            sidecar_log_level=sidecar_log_level,
        ) as service,
    ):
        await service.ready()
        yield Counting(service, broker, store)


def event_id(number: int) -> str:
    """Return the id of an event."""
    return f"event-{number}"


async def publish(
    client: httpx2.AsyncClient,
    number: int,
    user: str,
    activity: str = "clicked",
    at: datetime = NOW,
) -> bool:
    """Publish an event; tell whether the sidecar has taken it."""
    envelope = {
        "specversion": "1.0",
        "id": event_id(number),
        "source": "stack",
        "type": "ActivityRecorded",
        "datacontenttype": "application/json",
        "data": {"user_id": user, "activity": activity, "timestamp": at.isoformat()},
    }
    with suppress(httpx2.TransportError):
        how = {"metadata.partitionKey": user}
        return (await client.post(TOPIC, params=how, json=envelope)).status_code == 204
    return False
