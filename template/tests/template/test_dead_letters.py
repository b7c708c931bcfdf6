"""Dead letters in this service: kept, shown, and discarded by whoever has looked."""

import sys
from io import StringIO

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app import dead_letters as command
from app.contracts.event import ErrorEvent
from app.core.declaration import ServiceConfig
from app.core.declaration.pubsub import PubSubConfig
from app.features.dead_letters import DeadLetters
from app.services.publisher import Publisher
from dev.sidecar import Sidecar


async def test_a_letter_is_kept_until_somebody_has_looked(
    service: FastAPI, client: AsyncClient, sidecar: Sidecar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command lists it by its id, and forgets it when told to."""
    resources = service.state.resources
    kept, publisher = resources.get(DeadLetters), resources.get(Publisher)
    letter = ErrorEvent(
        original_event_type="Happened",
        error_type="InvalidIdError",
        error_message="gone",
        original_payload={"id": "e-1", "data": {}},
        consumer_agent=resources.get(ServiceConfig).service_name,
    )
    await publisher.publish(resources.get(PubSubConfig).dead_letter_topic, letter)
    await sidecar.settled()
    assert await kept.all() == [letter]
    monkeypatch.setenv("APP_PORT", str(client.base_url.port))
    for words in (["list"], ["discard", letter.event_id]):
        monkeypatch.setattr(sys, "argv", ["dead_letters", *words])
        assert await command.run(command.arguments(), out := StringIO()) == 0
        assert letter.event_id in out.getvalue()
    assert await kept.all() == []
