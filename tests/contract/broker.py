"""A broker as an app sees it."""

import json
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.contract.answers import mark
from tests.contract.app import Reply, Seen
from tests.contract.backends import BrokerFacts
from tests.contract.world import Replica

JSON, CLOUD_EVENT = "application/json", "application/cloudevents+json"


@dataclass(frozen=True)
class Broker:
    """The API of one component, and what the reader gets from it."""

    name: str
    facts: BrokerFacts
    reader: Replica

    async def publish(
        self, topic: str, body: bytes | str, kind: str = JSON, query: str = "", **headers: str
    ) -> httpx2.Response:
        """Publish a body; without a content type if `kind` is empty."""
        url = f"/v1.0/publish/{self.name}/{topic}{'?' if query else ''}{query}"
        sent = headers | ({"content-type": kind} if kind else {})
        return await self.reader.http.post(url, content=body, headers=sent)

    async def send(self, topic: str, *replies: Reply, query: str = "", word: str = "") -> str:
        """Publish an event that the app answers so; return its mark."""
        word = word or mark()
        self.reader.app.script(word, *replies)
        answer = await self.publish(topic, json.dumps({"mark": word}), query=query)
        assert answer.status_code == 204, answer.text
        return word

    async def bulk(self, topic: str, entries: Any, query: str = "") -> httpx2.Response:
        """Publish several events."""
        url = f"/v1.0/publish/bulk/{self.name}/{topic}{'?' if query else ''}{query}"
        return await self.reader.http.post(url, json=entries)

    def route(self, topic: str) -> str:
        """Return where the reader gets a topic."""
        return f"/on/{self.name}/{topic}"

    async def got(self, word: str, topic: str, count: int = 1) -> list[Seen]:
        """Wait for deliveries with a mark."""
        return await self.reader.app.heard(word, count, at=self.route(topic))

    async def envelope(self, word: str, topic: str) -> dict[str, Any]:
        """Wait for a delivery with a mark, and return what was delivered."""
        return (await self.got(word, topic))[0].json()

    async def all_of(self, word: str, topic: str, query: str = "") -> list[Seen]:
        """Return all deliveries with a mark.

        The last is over once an event that was published after it, to the same partition, is here.
        """
        await self.got(word, topic)
        after = await self.send(topic, query=query)
        await self.got(after, topic)
        return self.reader.app.seen(word, at=f"{self.route(topic)}")
