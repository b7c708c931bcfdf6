"""Delivery: what the app gets, and where."""

import asyncio
import json
from urllib.parse import quote, quote_plus
from uuid import uuid4

import pytest

from tests.contract.answers import mark
from tests.contract.app import Reply
from tests.contract.broker import CLOUD_EVENT, Broker
from tests.contract.differences import Difference, differs
from tests.contract.fleet import READER
from tests.contract.world import World

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_the_app_is_asked_for_its_subscriptions(world: World) -> None:
    """By GET."""
    asked = [seen.method for seen in world.replicas(READER)[0].app.seen("/dapr/subscribe")]
    assert set(asked) == {"GET"}


async def test_an_event_is_posted_to_its_route(broker: Broker) -> None:
    """Once."""
    word = await broker.send("plain")
    seen = await broker.all_of(word, "plain")
    assert [(each.method, each.path) for each in seen] == [("POST", broker.route("plain"))]


async def test_an_event_is_a_cloud_event(broker: Broker) -> None:
    """So says its content type."""
    (seen,) = await broker.got(await broker.send("plain"), "plain")
    assert seen.header("content-type") == CLOUD_EVENT


async def test_a_route_may_be_the_default_of_routes(broker: Broker) -> None:
    """Where a subscription has no single one."""
    assert await broker.got(await broker.send("default"), "default")


@differs(Difference.RULES)
async def test_an_event_takes_the_route_whose_rule_it_meets(broker: Broker) -> None:
    """An expression over the envelope."""
    word = mark()
    await broker.publish("routed", json.dumps(word), query="metadata.cloudevent.type=special")
    (seen,) = await broker.reader.app.heard(word)
    assert seen.path == broker.route("special")


async def test_an_event_that_meets_no_rule_takes_the_default(broker: Broker) -> None:
    """If there is one."""
    assert await broker.got(await broker.send("routed"), "ordinary")


async def test_the_trace_goes_on_to_the_app(broker: Broker) -> None:
    """In a header, with a span of its own."""
    word = mark()
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    await broker.publish("plain", json.dumps(word), traceparent=parent)
    (seen,) = await broker.got(word, "plain")
    trace = seen.header("traceparent").split("-")
    assert trace[1] == TRACE
    assert trace[2] != seen.json()["traceparent"].split("-")[2]


@pytest.mark.only("kafka")
async def test_the_place_of_an_event_is_told(broker: Broker) -> None:
    """In headers."""
    (seen,) = await broker.got(await broker.send("plain"), "plain")
    assert seen.header("__topic") == "plain"
    assert 0 <= int(seen.header("__partition")) < 6
    assert int(seen.header("__offset")) >= 0
    assert len(seen.header("__timestamp")) == 13


@pytest.mark.only("kafka")
async def test_the_key_of_an_event_is_told(broker: Broker) -> None:
    """If it has one."""
    key = mark()
    word = await broker.send("plain", query=f"metadata.partitionKey={key}")
    (seen,) = await broker.got(word, "plain")
    assert seen.header("__key") == key
    (seen,) = await broker.got(await broker.send("plain"), "plain")
    assert seen.header("__key") == ""


@pytest.mark.only("kafka")
@pytest.mark.parametrize("key", ["a\x01b", "a\nb", "\x00", "ä 😀", "a%2Fb+c", " lead"])
async def test_what_no_header_can_hold_is_escaped(key: str, broker: Broker) -> None:
    """As in a form, where the component says `escapeHeaders`."""
    word = await broker.send("plain", query=f"metadata.partitionKey={quote(key)}")
    (seen,) = await broker.got(word, "plain")
    assert seen.header("__key") == seen.header("partitionkey") == quote_plus(key)


@pytest.mark.only("kafka")
async def test_metadata_of_the_publisher_arrives(broker: Broker) -> None:
    """As headers."""
    word = await broker.send("plain", query="metadata.colour=green")
    (seen,) = await broker.got(word, "plain")
    assert seen.header("colour") == "green"


@pytest.mark.only("local")
async def test_nothing_tells_a_place_in_memory(broker: Broker) -> None:
    """There is none."""
    (seen,) = await broker.got(await broker.send("plain"), "plain")
    assert seen.header("__offset") == ""


async def test_nothing_tells_how_often_an_event_came(broker: Broker) -> None:
    """The second delivery looks like the first."""
    word = await broker.send("dead", Reply(500))
    (seen,) = await broker.got(word, "dead")
    names = {name for name, _ in seen.headers} | set(seen.json())
    assert not [name for name in names if "retry" in name or "count" in name or "attempt" in name]


@pytest.mark.only("kafka")
async def test_one_key_has_one_partition(broker: Broker) -> None:
    """And its offsets rise."""
    query = f"metadata.partitionKey={mark()}"
    places: list[tuple[str, int]] = []
    for _ in range(3):
        (seen,) = await broker.got(await broker.send("plain", query=query), "plain")
        places.append((seen.header("__partition"), int(seen.header("__offset"))))
    assert len({partition for partition, _ in places}) == 1
    assert [offset for _, offset in places] == sorted({offset for _, offset in places})


@pytest.mark.only("kafka")
async def test_keys_are_spread_over_partitions(broker: Broker) -> None:
    """By their hash."""
    partitions: set[str] = set()
    for _ in range(20):
        word = await broker.send("plain", query=f"metadata.partitionKey={uuid4()}")
        partitions.add((await broker.got(word, "plain"))[0].header("__partition"))
    assert len(partitions) > 1


async def test_events_of_one_key_keep_their_order(broker: Broker) -> None:
    """Each waits for the one before."""
    word, query = mark(), f"metadata.partitionKey={mark()}"
    for number in range(10):
        body = json.dumps({"mark": word, "n": number})
        await broker.publish("plain", body, query=query)
    seen = await broker.got(word, "plain", 10)
    assert [each.json()["data"]["n"] for each in seen] == list(range(10))


@pytest.mark.only("kafka")
async def test_an_event_waits_for_the_one_before_it(broker: Broker) -> None:
    """While that is being handled."""
    hold, query = asyncio.Event(), f"metadata.partitionKey={mark()}"
    first = await broker.send("plain", Reply(hold=hold), query=query)
    await broker.got(first, "plain")
    second = await broker.send("plain", query=query)
    other = await broker.send("default")
    await broker.got(other, "default")
    assert broker.reader.app.seen(second) == []
    hold.set()
    assert await broker.got(second, "plain")


@pytest.mark.only("kafka")
async def test_other_partitions_flow_meanwhile(broker: Broker) -> None:
    """An event that takes long holds its own alone."""
    hold = asyncio.Event()
    held = await broker.send("plain", Reply(hold=hold), query=f"metadata.partitionKey={mark()}")
    (seen,) = await broker.got(held, "plain")
    try:
        # not all of their keys have the held partition
        words = [
            await broker.send("plain", query=f"metadata.partitionKey={mark()}") for _ in range(20)
        ]
        waiting = [asyncio.create_task(broker.reader.app.heard(word)) for word in words]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        (other,) = done.pop().result()
        assert other.header("__partition") != seen.header("__partition")
    finally:
        hold.set()
    await asyncio.gather(*waiting)


async def test_an_answer_that_takes_long_is_waited_for(broker: Broker, world: World) -> None:
    """The event does not come twice."""
    hold = asyncio.Event()
    word = await broker.send("plain", Reply(hold=hold))
    await broker.got(word, "plain")
    await world.sleep(1)
    hold.set()
    assert len(await broker.all_of(word, "plain")) == 1
