"""Dead letters: the events that this service could not handle, kept in state for 30 days."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zlib import crc32

import structlog
from fastapi import Depends, FastAPI, Request
from prometheus_client import Gauge
from pydantic import BaseModel, ValidationError

from app.contracts.event import ErrorEvent, letter_id
from app.core.declaration import ServiceConfig
from app.core.declaration.pubsub import PubSubConfig
from app.core.declaration.state import StateConfig
from app.core.errors import ServiceError
from app.core.feature import Feature
from app.core.key import Key
from app.core.resources import Resources, resource
from app.services.pubsub import envelope_of
from app.services.sidecar import Sidecar
from app.services.state import StateStore

log = structlog.get_logger("app.dead_letters")

DEPTH = Gauge("dead_letters", "Dead letters kept.")
AGE = Gauge("dead_letters_oldest_seconds", "Age of the oldest dead letter; 0 where there is none.")
MEASURE_SECONDS = 30.0

KEPT = timedelta(days=30)
SHARDS = 32  # of the index: a store can't be asked what there is
CHUNK = 100  # letters read in one call
UNDELIVERED = "Undelivered"  # the error of what Dapr itself dead-letters


def read(body: bytes, consumer: str, config: PubSubConfig) -> ErrorEvent | None:
    """Read what came on the dead-letter topic; None if it is another service's.

    An ErrorEvent names its consumer; what Dapr dead-letters, the bare envelope, is of all readers
    of its topic, and what tells neither is everybody's: it is not lost.
    """
    envelope, queue = envelope_of(body, spare=90), config.dead_letter_topic
    with suppress(ValidationError):
        if envelope.get("type") == "ErrorEvent":
            letter = ErrorEvent.model_validate(envelope.get("data"))
            if letter.consumer_agent:
                return letter if letter.consumer_agent == consumer else None
    topic = told if isinstance(told := envelope.get("topic"), str) else queue
    if topic not in [queue, *(each.name for each in config.topics if each.subscribe)]:
        return None
    return ErrorEvent(
        event_id=letter_id(consumer, topic, envelope),
        original_event_type=str(envelope.get("type")),
        original_topic=None if topic == queue else topic,
        error_type=UNDELIVERED,
        error_message="Dapr gave up delivering it, its handler dropped it, or it can't be read.",
        original_payload=envelope,
        consumer_agent=consumer,
    )


class _Index(BaseModel):
    """When each letter of a shard failed."""

    letters: dict[str, datetime] = {}

    def kept(self) -> dict[str, datetime]:
        return {name: at for name, at in self.letters.items() if at > datetime.now(UTC) - KEPT}


class DeadLetters:
    """The dead letters of this service in its state store. An event has one, the newest."""

    def __init__(self, sidecar: Sidecar, config: StateConfig) -> None:
        # replicas share the index: it takes ETags, declared or not
        self._store = StateStore(sidecar, config.model_copy(update={"use_etag": True}))

    async def add(self, letter: ErrorEvent) -> None:
        """Keep a letter; what the index names is there."""
        await self._store.save(_key("dead-letter", letter.event_id), letter)
        await self._note(letter.event_id, {letter.event_id: letter.failed_at})

    async def remove(self, letter: ErrorEvent) -> None:
        """Forget a letter."""
        await self._note(letter.event_id, {})
        await self._store.delete(_key("dead-letter", letter.event_id))

    async def all(self) -> list[ErrorEvent]:
        """Return all letters, the oldest first."""
        keys, found = [_key("dead-letter", n) for n in await self._named()], list[ErrorEvent]()
        for start in range(0, len(keys), CHUNK):
            found += filter(None, await self._store.get_many(keys[start:][:CHUNK], ErrorEvent))
        return sorted(found, key=lambda letter: letter.failed_at)

    async def measure(self) -> None:
        """Set the metrics."""
        named, now = await self._named(), datetime.now(UTC)
        DEPTH.set(len(named))
        AGE.set((now - min(named.values(), default=now)).total_seconds())

    async def _named(self) -> dict[str, datetime]:
        keys = [_key("dead-letters", str(shard)) for shard in range(SHARDS)]
        shards = await self._store.get_many(keys, _Index)
        return {name: at for shard in shards if shard for name, at in shard.kept().items()}

    async def _note(self, name: str, added: dict[str, datetime]) -> None:
        def change(index: _Index | None) -> _Index:
            others = {k: at for k, at in (index or _Index()).kept().items() if k != name}
            return _Index(letters=others | added)

        shard = crc32(name.encode()) % SHARDS
        await self._store.update(_key("dead-letters", str(shard)), _Index, change)


def _key(*parts: str) -> Key:
    return Key.of(*parts, ttl=int(KEPT.total_seconds()))


@asynccontextmanager
async def open_letters(resources: Resources) -> AsyncGenerator[None]:
    """Offer the letters, and measure them now and then."""
    resources.add(letters := DeadLetters(resources.get(Sidecar), resources.get(StateConfig)))
    measuring = asyncio.create_task(_measure(letters))
    try:
        yield
    finally:
        measuring.cancel()


async def _measure(letters: DeadLetters) -> None:
    while True:
        with suppress(ServiceError):  # the next time, then
            await letters.measure()
        await asyncio.sleep(MEASURE_SECONDS)


def subscribe(app: FastAPI, resources: Resources) -> None:
    """Read the dead-letter topic, as raw bytes: its records may be no JSON. None is given up."""
    config, name = resources.get(PubSubConfig), resources.get(ServiceConfig).service_name
    pubsub, queue = config.component_name, config.dead_letter_topic

    async def keep(
        request: Request, letters: Annotated[DeadLetters, Depends(resource(DeadLetters))]
    ) -> dict[str, str]:
        if letter := read(b64decode((await request.json())["data_base64"]), name, config):
            await letters.add(letter)
            # what its handler gave up is told there; of what kills the process, nobody tells
            tell = log.critical if letter.error_type == UNDELIVERED else log.info
            tell("dead_letter.kept", id=letter.event_id, topic=letter.original_topic)
        return {"status": "SUCCESS"}

    app.state.unlimited.add(f"/events/{pubsub}/{queue}")
    app.state.dapr.subscribe(pubsub, queue, {"rawPayload": "true"})(keep)


feature = Feature(
    name="dead_letters", needs=["pubsub", "state"], lifespan=open_letters, install=subscribe
)
