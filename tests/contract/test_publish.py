"""Publishing: what is taken, and the envelope that comes of it."""

import json
from base64 import b64encode
from datetime import datetime
from uuid import UUID

import pytest

from tests.contract.answers import done, mark, refusal
from tests.contract.app import Reply
from tests.contract.broker import CLOUD_EVENT, JSON, Broker
from tests.contract.differences import Difference, differs
from tests.contract.fleet import READER
from tests.contract.world import Replica, World

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_an_event_is_taken_with_204(broker: Broker) -> None:
    """And with nothing else."""
    assert done(await broker.publish("plain", b"1"))


async def test_put_publishes_as_post_does(broker: Broker) -> None:
    """Both verbs are there."""
    word = mark()
    url = f"/v1.0/publish/{broker.name}/plain"
    assert done(await broker.reader.http.put(url, json=word))
    assert (await broker.envelope(word, "plain"))["data"] == word


@pytest.mark.only("local")
async def test_topics_can_have_slashes(broker: Broker) -> None:
    """Where the broker has no rule of its own."""
    word = await broker.send("a/slash")
    assert await broker.envelope(word, "a/slash")


async def test_a_topic_that_nobody_reads_takes_events(broker: Broker) -> None:
    """It is made."""
    assert done(await broker.publish("nobodys", b"1"))


async def test_an_unknown_broker(reader: Replica) -> None:
    """Is not found, and is named."""
    answer = await reader.http.post("/v1.0/publish/nope/plain", json=1)
    assert refusal(answer) == (404, "ERR_PUBSUB_NOT_FOUND")
    assert answer.json()["message"] == "pubsub nope is not found"


async def test_a_store_is_no_broker(reader: Replica) -> None:
    """A component is of one kind."""
    answer = await reader.http.post("/v1.0/publish/memory/plain", json=1)
    assert refusal(answer) == (404, "ERR_PUBSUB_NOT_FOUND")


async def test_a_topic_without_a_name(broker: Broker) -> None:
    """Is an address that is not known."""
    assert (await broker.publish("", b"1")).status_code == 404


async def test_the_envelope_is_a_cloud_event(broker: Broker) -> None:
    """With Dapr's own fields beside the standard's, and no others."""
    envelope = await broker.envelope(await broker.send("plain"), "plain")
    assert set(envelope) == {
        *("id", "source", "type", "specversion", "datacontenttype", "data", "time"),
        *("topic", "pubsubname", "traceid", "traceparent", "tracestate"),
    }
    assert (envelope["type"], envelope["specversion"]) == ("com.dapr.event.sent", "1.0")


async def test_the_envelope_tells_who_sent_it(broker: Broker) -> None:
    """The app-id is the source."""
    envelope = await broker.envelope(await broker.send("plain"), "plain")
    assert envelope["source"] == READER


async def test_the_envelope_tells_where_it_was_sent(broker: Broker) -> None:
    """Component and topic."""
    envelope = await broker.envelope(await broker.send("plain"), "plain")
    assert (envelope["pubsubname"], envelope["topic"]) == (broker.name, "plain")


async def test_each_event_has_an_id_of_its_own(broker: Broker) -> None:
    """A UUID, also for the same data."""
    word = await broker.send("plain")
    await broker.send("plain", word=word)
    ids = {seen.json()["id"] for seen in await broker.got(word, "plain", 2)}
    assert {UUID(each).version for each in ids} == {4}
    assert len(ids) == 2


async def test_the_envelope_tells_when_it_was_sent(broker: Broker) -> None:
    """With a time zone."""
    envelope = await broker.envelope(await broker.send("plain"), "plain")
    assert datetime.fromisoformat(envelope["time"]).tzinfo


async def test_json_becomes_data(broker: Broker) -> None:
    """As it was."""
    word = mark()
    data = {"mark": word, "n": [1, None, {"x": "ö"}]}
    await broker.publish("plain", json.dumps(data))
    envelope = await broker.envelope(word, "plain")
    assert (envelope["data"], envelope["datacontenttype"]) == (data, JSON)


async def test_json_may_tell_its_charset(broker: Broker) -> None:
    """The content type is kept as it is."""
    data = {"mark": mark()}
    kind = "application/json; charset=utf-8"
    await broker.publish("plain", json.dumps(data), kind)
    envelope = await broker.envelope(data["mark"], "plain")
    assert (envelope["data"], envelope["datacontenttype"]) == (data, kind)


async def test_events_keep_large_integers(broker: Broker) -> None:
    """Unlike state."""
    word = mark()
    await broker.publish("plain", f'{{"mark":"{word}","n":9007199254740993}}')
    assert (await broker.envelope(word, "plain"))["data"]["n"] == 2**53 + 1


async def test_without_a_content_type_data_is_text(broker: Broker) -> None:
    """Also if it looks like JSON."""
    text = json.dumps({"mark": mark()})
    await broker.publish("plain", text, "")
    envelope = await broker.envelope(json.loads(text)["mark"], "plain")
    assert (envelope["data"], envelope["datacontenttype"]) == (text, "text/plain")


async def test_text_stays_text(broker: Broker) -> None:
    """Of any alphabet."""
    word = mark()
    await broker.publish("plain", f"{word} größe 学习".encode(), "text/plain")
    assert (await broker.envelope(word, "plain"))["data"] == f"{word} größe 学习"


async def test_json_that_is_none_stays_text(broker: Broker) -> None:
    """It is not refused."""
    word = mark()
    assert done(await broker.publish("plain", f"{{{word}"))
    assert (await broker.envelope(word, "plain"))["data"] == f"{{{word}"


async def test_json_that_is_nested_too_deeply_stays_text(broker: Broker) -> None:
    """It is not refused either."""
    word = mark()
    body = f'{"[" * 20_000}"{word}"{"]" * 20_000}'
    assert done(await broker.publish("plain", body))
    assert (await broker.envelope(word, "plain"))["data"] == body


async def test_kinds_of_json_are_text(broker: Broker) -> None:
    """Only the very type is read."""
    text = json.dumps({"mark": mark()})
    await broker.publish("plain", text, "application/problem+json")
    envelope = await broker.envelope(json.loads(text)["mark"], "plain")
    assert envelope["data"] == text


async def test_bytes_become_base64(broker: Broker) -> None:
    """In a field of their own."""
    word = mark()
    query = f"metadata.cloudevent.id={word}"
    await broker.publish("plain", b"\x00\xff", "application/octet-stream", query)
    envelope = await broker.envelope(word, "plain")
    assert (envelope["data_base64"], "data" in envelope) == ("AP8=", False)


async def test_an_event_can_be_empty(broker: Broker) -> None:
    """Its data is empty text."""
    word = mark()
    assert done(await broker.publish("plain", b"", "", f"metadata.cloudevent.id={word}"))
    assert (await broker.envelope(word, "plain"))["data"] == ""


@pytest.mark.parametrize("name", ["id", "source", "type", "subject"])
async def test_metadata_sets_fields_of_the_envelope(name: str, broker: Broker) -> None:
    """By the name of the field."""
    word = mark()
    query = f"metadata.cloudevent.{name}={word}"
    await broker.publish("plain", b"1", query=query)
    assert (await broker.envelope(word, "plain"))[name] == word


async def test_the_trace_goes_on_in_the_envelope(broker: Broker) -> None:
    """With a span of its own."""
    word = mark()
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    await broker.publish("plain", json.dumps(word), traceparent=parent)
    envelope = await broker.envelope(word, "plain")
    assert envelope["traceparent"] == envelope["traceid"]
    assert envelope["traceparent"].split("-")[1] == TRACE
    assert envelope["traceparent"] != parent


async def test_an_event_without_a_trace_begins_one(broker: Broker) -> None:
    """Each its own."""
    envelopes = [await broker.envelope(await broker.send("plain"), "plain") for _ in range(2)]
    assert len({each["traceparent"].split("-")[1] for each in envelopes}) == 2


async def own(broker: Broker, **fields: object) -> dict[str, object]:
    """Publish a CloudEvent of one's own; return what came."""
    word = mark()
    assert done(await broker.publish("plain", json.dumps({"data": word, **fields}), CLOUD_EVENT))
    return await broker.envelope(word, "plain")


async def test_an_own_envelope_stays(broker: Broker) -> None:
    """Also fields that Dapr does not know."""
    fields = {"id": "i", "source": "s", "type": "t", "subject": "u", "extra": 1, "time": "yes"}
    assert (await own(broker, **fields)).items() >= fields.items()


async def test_an_own_envelope_is_completed(broker: Broker) -> None:
    """By source, type and version; it keeps no content type."""
    envelope = await own(broker)
    assert envelope["source"] == "Dapr"
    assert envelope["type"] == "com.dapr.event.sent"
    assert envelope["specversion"] == "1.0"
    assert "datacontenttype" not in envelope


async def test_an_own_envelope_gets_no_id(broker: Broker) -> None:
    """One has to set it."""
    assert "id" not in await own(broker)


async def test_an_own_envelope_gets_a_time(broker: Broker) -> None:
    """If it has none."""
    assert datetime.fromisoformat(str((await own(broker))["time"])).tzinfo


async def test_an_own_envelope_is_sent_where_it_is_sent(broker: Broker) -> None:
    """Whatever it says."""
    envelope = await own(broker, topic="elsewhere", pubsubname="another")
    assert (envelope["topic"], envelope["pubsubname"]) == ("plain", broker.name)


async def test_an_own_envelope_keeps_its_trace(broker: Broker) -> None:
    """If it names one."""
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    envelope = await own(broker, traceid=parent, traceparent=parent)
    assert envelope["traceparent"] == parent


async def test_an_own_envelope_may_name_a_trace_that_is_none(broker: Broker) -> None:
    """It is delivered all the same."""
    assert (await own(broker, id="odd", traceparent=5))["id"] == "odd"


async def test_an_own_envelope_without_a_trace_gets_one(broker: Broker) -> None:
    """As any event."""
    assert len(str((await own(broker))["traceparent"]).split("-")) == 4


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"[" * 20_000])
async def test_an_own_envelope_that_is_none_fails(body: bytes, broker: Broker) -> None:
    """It has to be a JSON object."""
    answer = await broker.publish("plain", body, CLOUD_EVENT)
    assert refusal(answer) == (500, "ERR_PUBSUB_CLOUD_EVENTS_SER")
    assert answer.json()["message"] == "cannot create cloudevent"


RAW = "metadata.partitionKey=k&metadata.rawPayload=true"


async def test_an_event_can_be_raw(broker: Broker) -> None:
    """Then a subscriber that takes raw payloads gets it in an envelope of its own sidecar."""
    assert done(await broker.publish("raw", b"\x00\xff", "text/plain", RAW))
    (seen,) = await broker.reader.app.heard("", at=broker.route("raw"))
    envelope = seen.json()
    assert UUID(envelope.pop("id"))
    assert envelope == {
        "source": "Dapr",
        "type": "com.dapr.event.sent",
        "specversion": "1.0",
        "topic": "raw",
        "pubsubname": broker.name,
        "datacontenttype": "application/octet-stream",
        "data_base64": "AP8=",
    }


@pytest.mark.parametrize("body", ["no event, {}", '["{}"]', '"{}"', '{{"{}"', "\xff{}"])
async def test_bytes_that_are_no_event_are_not_delivered(body: str, broker: Broker) -> None:
    """They are dead-lettered as they are, and what comes after them flows."""
    word = mark()
    sent = body.format(word).encode("latin-1")
    assert done(await broker.publish("bytes", sent, "text/plain", RAW))
    after = await broker.send("bytes", query="metadata.partitionKey=k")
    await broker.got(after, "bytes")
    seen = await broker.reader.app.heard(b64encode(sent).decode())
    assert [each.path for each in seen] == [broker.route("bytes.letters")]


async def test_an_event_that_becomes_a_raw_dead_letter_is_bytes(broker: Broker) -> None:
    """Those of its envelope, whatever they are: a reader of raw payloads gets every record."""
    word = await broker.send("bytes", Reply(500))
    (event,) = await broker.got(word, "bytes")
    record = b64encode(event.body).decode()
    (letter,) = await broker.reader.app.heard(record, at=broker.route("bytes.letters"))
    assert letter.json()["data_base64"] == record


@differs(Difference.EXPIRY)
async def test_an_event_that_ended_is_not_delivered(broker: Broker, world: World) -> None:
    """Where it names its time to live and that is over."""
    word = mark()
    expired = {"id": word, "expiration": "2020-01-01T00:00:00Z", "data": word}
    await broker.publish("plain", json.dumps(expired), CLOUD_EVENT, "metadata.partitionKey=k")
    await broker.got(await broker.send("plain", query="metadata.partitionKey=k"), "plain")
    assert broker.reader.app.seen(word) == []


@differs(Difference.EXPIRY)
async def test_an_event_tells_when_it_ends(broker: Broker) -> None:
    """If it was given a time to live."""
    word = mark()
    await broker.publish("plain", json.dumps(word), query="metadata.ttlInSeconds=1000")
    ends = (await broker.envelope(word, "plain"))["expiration"]
    assert datetime.fromisoformat(ends).tzinfo
