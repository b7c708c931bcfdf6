"""Dead letters: kept, shown, replayed once, discarded; an event is never lost on the way."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from datetime import timedelta
from io import StringIO
from typing import Annotated, Any

import pytest
from dapr.ext.fastapi import DaprApp
from fastapi import Depends, FastAPI
from httpx2 import AsyncClient
from pydantic import BaseModel

from app import dead_letters as command
from app.contracts.event import ErrorEvent, Event
from app.core.declaration import ServiceConfig
from app.core.declaration.pubsub import PubSubConfig, PubSubTopic
from app.core.declaration.state import StateConfig
from app.core.errors import InvalidIdError, UnavailableError
from app.core.key import Key
from app.core.resources import Resources
from app.features import dead_letters as feature
from app.features.dead_letters import UNDELIVERED, DeadLetters
from app.services.publisher import Publisher
from app.services.pubsub import Delivery, Subscription, endpoint, on
from app.services.sidecar import Sidecar
from app.services.state import StateStore
from dev.serve import HOST, serve
from dev.sidecar import Sidecar as EmbeddedSidecar

TOPIC = "tests-own.happened"
LETTERS = "dead-letter.queue"
KEY = Key.of("test", "handled")


class Happened(Event):
    """What the handler reads."""

    number: int


class Handled(BaseModel):
    """What the handler did."""

    total: int = 0


class Handler:
    """What the handler does, and with what."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        self.failure: BaseException | None = None
        self.started = asyncio.Event()


def handler_of() -> Handler:
    """Stand for the dependency that the handler asks for."""
    raise NotImplementedError


@on(TOPIC)
async def happened(event: Happened, handler: Annotated[Handler, Depends(handler_of)]) -> None:
    """Count the event once, or fail."""
    handler.started.set()
    if isinstance(handler.failure, asyncio.CancelledError):
        await asyncio.Event().wait()
    if handler.failure:
        raise handler.failure
    await handler.store.once(
        event.once_id, KEY, Handled, lambda seen: Handled(total=(seen or Handled()).total + 1)
    )


@pytest.fixture
def resources(service: FastAPI) -> Resources:
    """Return what the service holds."""
    return service.state.resources


@pytest.fixture
def letters(resources: Resources) -> DeadLetters:
    """Return the service's letters."""
    return resources.get(DeadLetters)


@pytest.fixture
def path(resources: Resources) -> str:
    """Return where the sidecar hands events in, up to the topic."""
    return f"/events/{resources.get(PubSubConfig).component_name}"


@pytest.fixture
def handler(service: FastAPI, resources: Resources, path: str) -> Handler:
    """Give the service a handler of one topic, as the feature would."""
    config, name = resources.get(PubSubConfig), resources.get(ServiceConfig).service_name
    publisher = Publisher(resources.get(Sidecar), config, name, seconds=1)
    delivery = Delivery(publisher, config.dead_letter_topic, name, wait=0)
    (subscription,) = Subscription.of(sys.modules[__name__])
    handler = Handler(StateStore(resources.get(Sidecar), resources.get(StateConfig)))
    service.dependency_overrides[handler_of] = lambda: handler
    service.post(f"{path}/{TOPIC}")(endpoint(service, subscription, lambda: delivery))
    return handler


Deliver = Callable[..., Coroutine[Any, Any, str]]


@pytest.fixture
def deliver(client: AsyncClient, path: str, sidecar: EmbeddedSidecar) -> Deliver:
    """Return a function that hands an event in and waits for what follows."""

    async def deliver(event_id: str = "e-1", number: object = 1) -> str:
        envelope = {"id": event_id, "topic": TOPIC, "data": {"number": number}}
        answer = await client.post(f"{path}/{TOPIC}", json=envelope)
        await sidecar.settled()
        return answer.json()["status"]

    return deliver


Total = Callable[[], Awaitable[int]]


@pytest.fixture
def total(handler: Handler) -> Total:
    """Return a function that tells how many events were handled."""

    async def total() -> int:
        return (await handler.store.get(KEY, Handled) or Handled()).total

    return total


Run = Callable[..., Awaitable[tuple[int, list[str]]]]


@pytest.fixture
def run(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the command: its code, and the lines it printed."""
    monkeypatch.setenv("APP_PORT", str(client.base_url.port))

    async def run(*words: str) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", ["dead_letters", *words])
        code = await command.run(command.arguments(), out := StringIO())
        return code, out.getvalue().splitlines()

    return run


async def test_what_failed_is_kept(
    handler: Handler, deliver: Deliver, letters: DeadLetters
) -> None:
    """With the reason and the envelope: all that a person needs."""
    handler.failure = InvalidIdError("gone")
    assert await deliver() == "SUCCESS"
    (letter,) = await letters.all()
    assert (letter.original_topic, letter.original_event_type) == (TOPIC, "Happened")
    assert (letter.error_type, letter.error_message) == ("InvalidIdError", "gone")
    assert (letter.retry_count, letter.original_payload["data"]) == (1, {"number": 1})


async def test_of_an_event_there_is_one_letter(
    handler: Handler, deliver: Deliver, letters: DeadLetters
) -> None:
    """An app that dies after its ErrorEvent and before its answer gets the event again."""
    handler.failure = InvalidIdError("gone")
    await deliver()
    await deliver()
    assert len(await letters.all()) == 1


async def test_a_restart_between_two_tries_loses_nothing(
    handler: Handler, deliver: Deliver, letters: DeadLetters
) -> None:
    """Nothing was answered: the event comes again, and its tries are counted anew."""
    handler.failure = asyncio.CancelledError()
    first = asyncio.create_task(deliver())
    await handler.started.wait()
    first.cancel()
    assert await letters.all() == []
    handler.failure = InvalidIdError("gone")
    assert await deliver() == "SUCCESS"
    assert [letter.original_payload["id"] for letter in await letters.all()] == ["e-1"]


def raw(record: object) -> dict[str, str]:
    """Return what Dapr makes of a record, which is any text or some JSON."""
    body = record if isinstance(record, str) else json.dumps(record)
    return {"data_base64": b64encode(body.encode()).decode()}


@pytest.fixture
async def consumer(resources: Resources) -> AsyncGenerator[AsyncClient]:
    """Run the consumer of the topic alone, in a service that reads `TOPIC`."""
    app, declared = FastAPI(), resources.get(PubSubConfig)
    topic = PubSubTopic(name=TOPIC, subscribe=True, event_type="Happened")
    app.state.resources = own = Resources()
    for item in (
        declared.model_copy(update={"topics": [topic]}),
        resources.get(ServiceConfig),
        resources.get(DeadLetters),
    ):
        own.add(item)
    app.state.unlimited = set[str]()
    app.state.dapr = DaprApp(app)
    feature.subscribe(app, own)
    async with serve(app) as port:
        url = f"http://{HOST}:{port}/events/{declared.component_name}"
        async with AsyncClient(base_url=url) as client:
            yield client


async def test_an_event_that_kills_the_process_is_kept(
    consumer: AsyncClient, letters: DeadLetters, handler: Handler, run: Run, total: Total
) -> None:
    """Dapr gives up in the end and dead-letters the bare envelope; named, it can be replayed."""
    envelope = {"id": "e-1", "topic": TOPIC, "data": {"number": 1}}
    assert (await consumer.post(LETTERS, json=raw(envelope))).json() == {"status": "SUCCESS"}
    (letter,) = await letters.all()
    assert (letter.error_type, letter.original_payload) == (UNDELIVERED, envelope)
    assert await run("replay", letter.event_id, "--again") == (0, [f"{letter.event_id}  done"])
    assert await total() == 1


@pytest.mark.parametrize("words", [["--all"], ["--all", "--again"], ["--topic", TOPIC], []])
async def test_what_was_perhaps_handled_is_not_replayed_by_the_way(
    consumer: AsyncClient,
    letters: DeadLetters,
    deliver: Deliver,
    run: Run,
    total: Total,
    handler: Handler,
    words: list[str],
) -> None:
    """All subscribers keep a bare envelope; who handled it has perhaps forgotten that it has."""
    envelope = {"id": "e-0", "topic": TOPIC, "data": {"number": 1}}
    await deliver("e-0")
    await handler.store.delete(KEY)  # what was seen is forgotten, as after 1,000 others
    await deliver("e-1")
    await consumer.post(LETTERS, json=raw(envelope))
    (letter,) = await letters.all()
    code, (line,) = await run("replay", *(words or [letter.event_id]))
    assert (code, await total(), await letters.all()) == (1, 1, [letter])
    assert "perhaps it was handled" in line


async def test_letters_of_others_are_theirs(
    consumer: AsyncClient, letters: DeadLetters, resources: Resources
) -> None:
    """All services read the topic, each in its own group; each keeps its own."""
    about: dict[str, Any] = {"original_event_type": "E", "error_type": "E", "error_message": "e"}
    about |= {"original_topic": TOPIC, "original_payload": {"id": "e-1", "data": {}}}
    name = resources.get(ServiceConfig).service_name
    for consumer_agent in ("another-service", name):
        error = ErrorEvent(**about, consumer_agent=consumer_agent).model_dump(mode="json")
        await consumer.post(LETTERS, json=raw({"id": "x", "type": "ErrorEvent", "data": error}))
    await consumer.post(LETTERS, json=raw({"id": "e-2", "topic": "test.other", "data": {}}))
    assert [letter.original_payload["id"] for letter in await letters.all()] == ["e-1"]


DEEP = f'{{"id": "e-1", "topic": "{TOPIC}", "data": {"[" * 5000}{"]" * 5000}}}'


@pytest.mark.parametrize("body", ["", "[]", "no json", '{"data": "\\ud800"}', '{"a": 1e999}', DEEP])
async def test_what_nobody_can_read_is_kept_as_text(
    consumer: AsyncClient, letters: DeadLetters, run: Run, body: str
) -> None:
    """It never comes again, and is not lost; whose it is, nobody knows."""
    answer = await consumer.post(LETTERS, json=raw(body))
    assert (answer.status_code, answer.json()) == (200, {"status": "SUCCESS"})
    (letter,) = await letters.all()
    assert (letter.error_type, letter.original_topic) == (UNDELIVERED, None)
    assert letter.original_payload == {"raw": body}
    code, (line,) = await run("replay", letter.event_id, "--again")
    assert (code, await letters.all()) == (1, [letter])
    assert "not replayed" in line


ANONYMOUS = ErrorEvent(
    original_event_type="E", error_type="E", error_message="e", original_payload={}
).model_dump(mode="json")


@pytest.mark.parametrize(
    "about",
    [
        {"type": "ErrorEvent", "data": 1},
        {"type": "ErrorEvent", "data": ANONYMOUS},
        {},
        {"topic": LETTERS},
        {"topic": 5},
        {"topic": [TOPIC]},
    ],
)
async def test_what_tells_nobody_whose_it_is_is_kept(
    consumer: AsyncClient, letters: DeadLetters, about: dict[str, Any]
) -> None:
    """By every service: an ErrorEvent that is none or names nobody, or what has no topic."""
    assert (await consumer.post(LETTERS, json=raw({"id": "e-1", **about}))).status_code == 200
    (letter,) = await letters.all()
    assert (letter.error_type, letter.original_topic) == (UNDELIVERED, None)
    assert letter.original_payload == {"id": "e-1", **about}


@pytest.mark.parametrize("levels", [90, 105, 150, 195, 250, 900])
async def test_however_deep_a_letter_is_it_is_kept(
    consumer: AsyncClient, letters: DeadLetters, run: Run, levels: int
) -> None:
    """As it is or as text: what is kept can be read again."""
    data = "[" * levels + "]" * levels
    body = f'{{"id": "e-1", "topic": "{TOPIC}", "data": {data}}}'
    assert (await consumer.post(LETTERS, json=raw(body))).json() == {"status": "SUCCESS"}
    (letter,) = await letters.all()
    assert ("raw" in letter.original_payload) == (levels > 105)
    code, (line,) = await run("list", "--json")
    assert (code, json.loads(line)["event_id"]) == (0, letter.event_id)


async def test_the_letter_of_a_deep_event_is_read(
    handler: Handler, client: AsyncClient, path: str, letters: DeadLetters, sidecar: EmbeddedSidecar
) -> None:
    """What is an event still is within the limits of its letter."""
    for levels in range(90, 110):
        data = f'{{"number": "many", "extra": {"[" * levels}{"]" * levels}}}'
        body = f'{{"id": "e-{levels}", "topic": "{TOPIC}", "data": {data}}}'
        assert (await client.post(f"{path}/{TOPIC}", content=body)).json() == {"status": "SUCCESS"}
    await sidecar.settled()
    kept = await letters.all()
    assert (len(kept), {letter.error_type for letter in kept}) == (
        20,
        {"ValidationError", "NoEventError"},
    )


async def test_a_record_that_is_no_json_becomes_a_letter(
    resources: Resources, letters: DeadLetters, path: str, sidecar: EmbeddedSidecar
) -> None:
    """The sidecar hands in whatever is on the topic; the partition flows."""
    how = {"metadata.rawPayload": "true", "metadata.partitionKey": "a\x01b"}
    url, call = f"/v1.0/publish{path.removeprefix('/events')}", resources.get(Sidecar).call
    for body in (b"\xff no json", b"null"):
        answer = await call("publish", "POST", f"{url}/{LETTERS}", params=how, body=body)
        assert answer.status == 204
    await sidecar.settled()
    kept = [letter.original_payload["raw"] for letter in await letters.all()]
    assert kept == ["\ufffd no json", "null"]


async def test_a_letter_that_can_not_be_kept_comes_again(
    consumer: AsyncClient, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything but 2xx and 404 is a retry; the topic has no dead letters of its own."""

    async def fail(_: object) -> None:
        raise UnavailableError

    monkeypatch.setattr(letters, "add", fail)
    answer = await consumer.post(LETTERS, json=raw({"id": "e-1", "topic": TOPIC, "data": {}}))
    assert answer.status_code >= 500


async def test_a_replayed_event_is_processed_once(
    handler: Handler, deliver: Deliver, letters: DeadLetters, run: Run, total: Total
) -> None:
    """By the handler that failed, and by no other subscriber; then its letter is gone."""
    handler.failure = InvalidIdError("gone")
    await deliver()
    (letter,) = await letters.all()
    handler.failure = None
    assert await run("replay", letter.event_id) == (0, [f"{letter.event_id}  done"])
    assert await letters.all() == []
    await deliver()
    assert await total() == 1


async def test_what_fails_again_stays(
    handler: Handler, deliver: Deliver, letters: DeadLetters, run: Run, sidecar: EmbeddedSidecar
) -> None:
    """As the letter it is; there is no second one on the topic."""
    handler.failure = InvalidIdError("gone")
    await deliver()
    (letter,) = await letters.all()
    code, lines = await run("replay", "--all", "--json")
    (outcome,) = map(json.loads, lines)
    assert (code, outcome["id"]) == (1, letter.event_id)
    assert outcome["outcome"].startswith("failed again")
    assert await letters.all() == [letter]
    assert len(sidecar.published(LETTERS)) == 1


async def test_letters_are_chosen_by_id_topic_or_error(
    handler: Handler, deliver: Deliver, run: Run
) -> None:
    """Listed in the order they failed; `--json` has all there is."""
    handler.failure = InvalidIdError("gone")
    await deliver("e-1")
    await deliver("e-2", number="many")
    code, lines = await run("list", "--json")
    first, second = map(json.loads, lines)
    assert [letter["original_payload"]["id"] for letter in (first, second)] == ["e-1", "e-2"]
    assert code == 0
    assert [len((await run("list", *words))[1]) for words in LISTS] == [2, 2, 0, 1, 0]
    assert (await run("show", second["event_id"], "--json"))[1] == lines[1:]
    code, lines = await run("discard", "--error", "ValidationError")
    assert (code, lines) == (0, [f"{second['event_id']}  done"])
    assert await run("discard", second["event_id"]) == (1, [])
    assert await run("discard", "--all", "--json") == (
        0,
        [json.dumps({"id": first["event_id"], "outcome": "done"})],
    )
    assert await run("list") == (0, [])


async def test_the_command_runs_by_itself(
    handler: Handler, deliver: Deliver, letters: DeadLetters
) -> None:
    """In a process of its own, as in a pod."""
    handler.failure = InvalidIdError("gone")
    await deliver()
    (letter,) = await letters.all()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.dead_letters", "list"), stdout=PIPE, stderr=PIPE
    )
    out, said = await process.communicate()
    about = f"{letter.event_id}  {letter.failed_at:%Y-%m-%d %H:%M:%S}Z  {TOPIC}  gone\n"
    assert (process.returncode, out.decode(), said) == (0, about, b"")


LISTS = [
    (),
    ("--topic", TOPIC),
    ("--topic", "test.other"),
    ("--error", "InvalidIdError"),
    ("--topic", "test.other", "--error", "InvalidIdError"),
]


@pytest.mark.parametrize("words", [[], ["burn", "x"], ["replay"], ["discard", "--json"], ["show"]])
def test_what_is_changed_must_be_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nothing is done."""
    monkeypatch.setattr(sys, "argv", ["dead_letters", *words])
    with pytest.raises(SystemExit, match="2"):
        command.arguments()
    assert "usage: python -m app.dead_letters" in capsys.readouterr().err


async def test_how_many_and_how_old_are_metrics(
    handler: Handler, deliver: Deliver, letters: DeadLetters, client: AsyncClient
) -> None:
    """Measured now and then, whoever changed them."""
    handler.failure = InvalidIdError("gone")
    for number in range(3):
        await deliver(f"e-{number}")
    (first, *_) = await letters.all()
    old = first.model_copy(update={"failed_at": first.failed_at - timedelta(hours=1)})
    await letters.add(old)
    await letters.measure()
    metrics = dict(
        line.rsplit(" ", 1)
        for line in (await client.get("/metrics")).text.splitlines()
        if line[0] != "#"
    )
    assert float(metrics["dead_letters"]) == 3
    assert 3600 <= float(metrics["dead_letters_oldest_seconds"]) < 7200


async def test_letters_are_kept_for_30_days(
    handler: Handler, deliver: Deliver, letters: DeadLetters
) -> None:
    """Older ones are forgotten, by the store and by the index."""
    handler.failure = InvalidIdError("gone")
    await deliver()
    (letter,) = await letters.all()
    await letters.add(
        letter.model_copy(update={"failed_at": letter.failed_at - timedelta(days=30)})
    )
    assert await letters.all() == []
