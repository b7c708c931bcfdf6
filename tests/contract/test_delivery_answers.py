"""Delivery: what the answers of an app mean."""

import pytest

from tests.contract.answers import mark
from tests.contract.app import Reply
from tests.contract.broker import Broker
from tests.contract.differences import Difference, differs
from tests.contract.fleet import PATIENT
from tests.contract.world import World

SUCCESS = {
    "200": Reply(200),
    "201": Reply(201),
    "204": Reply(204),
    "success": Reply(200, '{"status": "SUCCESS"}'),
    "no-status": Reply(200, '{"result": 1}'),
    "empty-status": Reply(200, '{"status": ""}'),
    "list": Reply(200, '[{"status": "DROP"}, 200]'),
    "status-is-number": Reply(200, '{"status": 3}'),
    "number": Reply(200, "3"),
    "text": Reply(200, "fine"),
    "null": Reply(200, "null"),
}
DROP = {
    "drop": Reply(200, '{"status": "DROP"}'),
    "404": Reply(404),
}
RETRY = {
    "retry": Reply(200, '{"status": "RETRY"}'),
    "unknown-word": Reply(200, '{"status": "processed"}'),
    "small-letters": Reply(200, '{"status": "success"}'),
    "400": Reply(400),
    "401": Reply(401),
    "409": Reply(409),
    "422": Reply(422),
    "redirect": Reply(307, headers=[("location", "/elsewhere")]),
    "500": Reply(500),
    "503": Reply(503),
}


def each(table: dict[str, Reply]) -> pytest.MarkDecorator:
    """Run a case with each of these answers."""
    return pytest.mark.parametrize("reply", [pytest.param(v, id=k) for k, v in table.items()])


@each(SUCCESS)
async def test_success(reply: Reply, broker: Broker) -> None:
    """The event neither comes again nor is dead-lettered."""
    word = await broker.send("dead", reply, query="metadata.partitionKey=k")
    assert len(await broker.all_of(word, "dead", "metadata.partitionKey=k")) == 1
    await last_letter(broker)
    assert broker.reader.app.seen(word, broker.route("dead.letters")) == []


@each(DROP | RETRY)
async def test_a_failure_is_dead_lettered(reply: Reply, broker: Broker) -> None:
    """The first one, where there is a dead-letter topic and no policy."""
    word = await broker.send("dead", reply)
    assert await broker.got(word, "dead.letters")
    assert len(broker.reader.app.seen(word)) == 2


async def test_a_dead_letter_is_the_event_as_it_was(broker: Broker) -> None:
    """It tells no reason, and its topic is the first one."""
    word = await broker.send("dead", Reply(500, '{"reason": "mine"}'))
    (letter,) = await broker.got(word, "dead.letters")
    (event,) = [seen for seen in broker.reader.app.seen(word) if seen != letter]
    assert letter.json() == event.json()
    assert letter.json()["topic"] == "dead"


@pytest.mark.only("kafka")
async def test_a_dead_letter_keeps_its_key(broker: Broker) -> None:
    """As its partition key."""
    key = mark()
    word = await broker.send("dead", Reply(500), query=f"metadata.partitionKey={key}")
    (letter,) = await broker.got(word, "dead.letters")
    assert letter.header("__key") == key


async def test_a_dead_letter_is_published_once(broker: Broker) -> None:
    """The event after it is served."""
    word = await broker.send("dead", Reply(500), query="metadata.partitionKey=k")
    await broker.got(word, "dead.letters")
    assert len(await broker.all_of(word, "dead", "metadata.partitionKey=k")) == 2


@each(DROP)
async def test_a_drop_is_gone(reply: Reply, broker: Broker) -> None:
    """Where there is no dead-letter topic."""
    word = await broker.send("plain", reply, query="metadata.partitionKey=k")
    assert len(await broker.all_of(word, "plain", "metadata.partitionKey=k")) == 1


@each({name: RETRY[name] for name in ("retry", "unknown-word", "422", "redirect", "500")})
@pytest.mark.only("kafka")
async def test_a_failure_comes_again(reply: Reply, broker: Broker) -> None:
    """Until it is handled, where there is no dead-letter topic."""
    word = await broker.send("plain", reply)
    first, second = await broker.got(word, "plain", 2)
    assert first.json() == second.json()


@pytest.mark.only("kafka")
async def test_a_failure_blocks_its_partition(broker: Broker) -> None:
    """What comes after it waits until it is handled."""
    query = f"metadata.partitionKey={mark()}"
    failing = await broker.send("plain", Reply(500), query=query)
    after = await broker.send("plain", query=query)
    await broker.got(after, "plain")
    seen = [s for s in broker.reader.app.requests if s.about(failing) or s.about(after)]
    assert [s.about(failing) for s in seen] == [True, True, False]


@each({name: RETRY[name] for name in ("retry", "500")})
@pytest.mark.only("local")
async def test_memory_never_redelivers(reply: Reply, broker: Broker) -> None:
    """A failure is written to the log."""
    word = await broker.send("plain", reply)
    assert len(await broker.all_of(word, "plain")) == 1


@pytest.mark.only("kafka")
async def test_an_app_that_is_gone_has_failed(broker: Broker, world: World) -> None:
    """So a short restart dead-letters good events."""
    assert await dead_lettered_while_gone(broker, world, 1)


@differs(Difference.WAITING)
@pytest.mark.only("kafka")
async def test_an_app_that_stays_gone_fails_at_each_event(broker: Broker, world: World) -> None:
    """One is dead-lettered after the other."""
    assert await dead_lettered_while_gone(broker, world, 2)


async def dead_lettered_while_gone(broker: Broker, world: World, count: int) -> bool:
    """Tell whether events are dead-lettered that are published while the app is gone.

    They may be tried too late, when it is back; and an earlier event that comes again may be the
    one that finds it gone.
    """
    for seconds in (0.5, 2, 8):
        async with world.away(broker.reader):
            query = f"metadata.partitionKey={mark()}"
            words = [await broker.send("dead", query=query) for _ in range(count)]
            await world.sleep(seconds)
        first = [(await broker.reader.app.heard(word))[0] for word in words]
        if all(seen.path == broker.route("dead.letters") for seen in first):
            return True
    return False


@pytest.mark.only("kafka")
async def test_events_wait_for_an_app_that_is_gone(broker: Broker, world: World) -> None:
    """Where there is no dead-letter topic."""
    async with world.away(broker.reader):
        word = await broker.send("plain")
        await world.sleep(0.5)
    assert await broker.got(word, "plain")


async def last_letter(broker: Broker) -> None:
    """Wait until another event is dead-lettered."""
    await broker.got(await broker.send("dead", Reply(500)), "dead.letters")


@pytest.fixture
def patient(broker: Broker, world: World) -> Broker:
    """Return the broker as a service sees it that has `maxRetries: 4`."""
    return Broker(broker.name, broker.facts, world.replicas(PATIENT)[0])


@each({name: RETRY[name] for name in ("retry", "unknown-word", "422", "500")})
async def test_a_policy_tries_again(reply: Reply, patient: Broker) -> None:
    """Four more times; the fifth failure dead-letters."""
    word = await patient.send("tried", *[reply] * 5)
    await patient.got(word, "tried.letters")
    tries = [seen for seen in patient.reader.app.seen(word) if seen.path.endswith("/tried")]
    assert len(tries) == 5


async def test_each_try_is_the_same_event(patient: Broker) -> None:
    """With one id."""
    word = await patient.send("tried", *[Reply(500)] * 5)
    await patient.got(word, "tried.letters")
    assert len({seen.json()["id"] for seen in patient.reader.app.seen(word)}) == 1


async def test_a_try_that_succeeds_is_the_last(patient: Broker) -> None:
    """Nothing is dead-lettered."""
    word = await patient.send("tried", Reply(500), Reply(500), query="metadata.partitionKey=k")
    await patient.got(word, "tried", 3)
    await patient.got(await patient.send("tried", *[Reply(500)] * 5), "tried.letters")
    assert [seen.path for seen in patient.reader.app.seen(word)] == [patient.route("tried")] * 3


@each(DROP)
async def test_a_policy_does_not_try_a_drop_again(reply: Reply, patient: Broker) -> None:
    """It is dead-lettered at once."""
    word = await patient.send("tried", reply)
    await patient.got(word, "tried.letters")
    assert len(patient.reader.app.seen(word)) == 2


@pytest.mark.only("kafka")
async def test_tries_hold_their_partition(patient: Broker) -> None:
    """What comes after them waits."""
    query = f"metadata.partitionKey={mark()}"
    failing = await patient.send("tried", *[Reply(500)] * 5, query=query)
    after = await patient.send("tried", query=query)
    await patient.got(after, "tried")
    assert len([s for s in patient.reader.app.seen(failing) if s.path.endswith("/tried")]) == 5


async def test_an_app_that_is_gone_fails_each_try(patient: Broker, world: World) -> None:
    """Until it is back."""
    async with world.away(patient.reader):
        word = await patient.send("tried")
        await world.sleep(0.15)
    assert await patient.reader.app.heard(word)
