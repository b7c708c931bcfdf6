"""Publishing several events at once."""

from typing import Any

import pytest

from tests.contract.answers import done, mark, refusal
from tests.contract.broker import CLOUD_EVENT, JSON, Broker
from tests.contract.differences import Difference, differs
from tests.contract.world import Replica


def entry(event: object, kind: str = JSON, **more: Any) -> dict[str, Any]:
    """Return an entry with an id of its own."""
    return {"entryId": mark(), "event": event, "contentType": kind, **more}


async def test_several_events_are_taken_with_204(broker: Broker) -> None:
    """And each is delivered."""
    words = [mark(), mark(), mark()]
    assert done(await broker.bulk("plain", [entry({"mark": word}) for word in words]))
    for word in words:
        assert (await broker.envelope(word, "plain"))["data"] == {"mark": word}


async def test_each_gets_an_envelope(broker: Broker) -> None:
    """As if it had come alone; the id of an entry is not that of its event."""
    sent = entry(mark())
    await broker.bulk("plain", [sent])
    envelope = await broker.envelope(sent["event"], "plain")
    assert envelope["id"] != sent["entryId"]
    assert (envelope["topic"], envelope["type"]) == ("plain", "com.dapr.event.sent")
    assert envelope["datacontenttype"] == JSON


async def test_each_has_a_content_type(broker: Broker) -> None:
    """Text is text."""
    word = mark()
    await broker.bulk("plain", [entry(word, "text/plain")])
    envelope = await broker.envelope(word, "plain")
    assert (envelope["data"], envelope["datacontenttype"]) == (word, "text/plain")


async def test_one_may_be_an_envelope(broker: Broker) -> None:
    """It stays as it is."""
    word = mark()
    await broker.bulk("plain", [entry({"id": word, "data": 1}, CLOUD_EVENT)])
    assert (await broker.envelope(word, "plain"))["id"] == word


@pytest.mark.only("kafka")
async def test_each_has_a_key(broker: Broker) -> None:
    """In the entry's metadata."""
    word, key = mark(), mark()
    await broker.bulk("plain", [entry(word, metadata={"partitionKey": key})])
    (seen,) = await broker.got(word, "plain")
    assert seen.header("__key") == key


async def test_nothing_can_be_published(broker: Broker) -> None:
    """An empty list is fine."""
    assert done(await broker.bulk("plain", []))


@pytest.mark.parametrize("ids", [("a", "a"), ("a", "")])
async def test_each_needs_an_id_of_its_own(ids: tuple[str, str], broker: Broker) -> None:
    """Or nothing is published."""
    word = mark()
    entries = [{**entry(word), "entryId": each} for each in ids]
    answer = await broker.bulk("plain", entries)
    assert refusal(answer) == (400, "ERR_PUBSUB_EVENTS_SER")
    await broker.got(await broker.send("plain"), "plain")
    assert broker.reader.app.seen(word) == []


async def test_a_bulk_that_is_no_list(broker: Broker) -> None:
    """Is malformed."""
    answer = await broker.bulk("plain", {"entryId": "a", "event": 1})
    assert refusal(answer) == (400, "ERR_PUBSUB_EVENTS_SER")


@differs(Difference.OCTETS)
async def test_bytes_come_as_base64(broker: Broker) -> None:
    """They are decoded, and encoded again in the envelope."""
    sent = entry("AP8=", "application/octet-stream", metadata={"cloudevent.id": mark()})
    await broker.bulk("plain", [sent])
    word = sent["metadata"]["cloudevent.id"]
    assert (await broker.envelope(word, "plain"))["data_base64"] == "AP8="


async def test_numbers_of_a_bulk_lose_digits(broker: Broker) -> None:
    """Unlike those of a single event."""
    word = mark()
    await broker.bulk("plain", [entry({"mark": word, "n": 2**53 + 1})])
    assert (await broker.envelope(word, "plain"))["data"]["n"] == 2**53


async def test_an_event_that_does_not_fit_its_type(broker: Broker) -> None:
    """Text has to be a string."""
    answer = await broker.bulk("plain", [entry({"a": 1}, "text/plain")])
    assert refusal(answer) == (400, "ERR_PUBSUB_EVENTS_SER")


async def test_a_bulk_to_an_unknown_broker(reader: Replica) -> None:
    """Is not found."""
    answer = await reader.http.post("/v1.0/publish/bulk/nope/plain", json=[])
    assert refusal(answer) == (404, "ERR_PUBSUB_NOT_FOUND")


async def test_a_bulk_to_a_topic_out_of_scope(broker: Broker) -> None:
    """Is forbidden."""
    url = f"/v1.0/publish/bulk/scoped-{broker.name}/theirs"
    answer = await broker.reader.http.post(url, json=[entry(1)])
    assert refusal(answer) == (403, "ERR_PUBSUB_FORBIDDEN")
