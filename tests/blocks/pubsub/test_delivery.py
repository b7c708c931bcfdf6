"""Deliveries: what becomes of an event, by what its handler does."""

import json
import sys
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from fastapi import Depends, FastAPI, HTTPException
from httpx2 import AsyncClient
from pydantic import ValidationError
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from app.contracts.event import Event
from app.core import declaration
from app.core.declaration.pubsub import PubSubConfig
from app.core.errors import DeadlineError, InvalidIdError, NotFoundError, UnavailableError
from app.core.telemetry import traceparent
from app.services.publisher import Publisher, UnpublishedError
from app.services.pubsub import Delivery, Drop, Retry, Subscription, endpoint, on
from app.services.sidecar import (
    Answer,
    Sidecar,
    SidecarError,
    SidecarUnavailableError,
)
from dev.serve import HOST, serve
from dev.sidecar import Sidecar as EmbeddedSidecar

LETTERS = "dead-letter.queue"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Happened(Event):
    """What the handler reads."""

    number: int


class Script:
    """What the handler does, call by call, and before it its dependency; then they are well."""

    def __init__(self) -> None:
        self.before: list[Exception] = []
        self.closed = 0
        self.outcomes: list[Exception] = []
        self.seen: list[Happened] = []
        self.traces: list[str] = []
        self.logged: dict[str, Any] = {}


class Down(Sidecar):
    """A sidecar that publishes nothing."""

    def __init__(self) -> None: ...

    async def call(self, *_: Any, **__: Any) -> Answer:
        """Fail."""
        return Answer(500, {}, b"")


class Narrow(Sidecar):
    """A sidecar whose broker takes small events alone."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def call(self, *_: Any, body: bytes, **__: Any) -> Answer:
        """Take one, or say as Kafka does that it is too large."""
        if len(body) > 3000:
            return Answer(500, {}, b"Attempt to produce message larger than configured")
        self.taken.append(json.loads(body)["data"])
        return Answer(204, {}, b"")


def script_of() -> Script:
    """Stand for the dependency that a handler asks for."""
    raise NotImplementedError


async def opened(script: Annotated[Script, Depends(script_of)]) -> AsyncGenerator[Script]:
    """Stand for a dependency that is closed after each try."""
    if script.before:
        raise script.before.pop(0)
    try:
        yield script
    finally:
        script.closed += 1


@on("tests-own.happened")
async def happened(event: Happened, script: Annotated[Script, Depends(opened)]) -> None:
    """Do what the script says."""
    script.seen.append(event)
    script.traces.append(traceparent().split("-")[1])
    script.logged = get_contextvars()
    if script.outcomes:
        raise script.outcomes.pop(0)


@pytest.fixture(autouse=True)
def logs() -> Generator[list[Any]]:
    """Return what is logged; tracebacks are not drawn, which takes long."""
    with capture_logs() as logs:
        yield cast("list[Any]", logs)


@pytest.fixture
def script() -> Script:
    """Return the script."""
    return Script()


@pytest.fixture
def delivery(connection: Sidecar) -> Delivery:
    """Return what handles deliveries, as the feature would make it."""
    config = declaration.load(Path("app/service.yaml")).section(PubSubConfig)
    publisher = Publisher(connection, config, "test", seconds=1)
    return Delivery(publisher=publisher, dead_letters=LETTERS, consumer="test", wait=0)


@pytest.fixture
async def app(script: Script, delivery: Delivery) -> AsyncGenerator[AsyncClient]:
    """Run an app with the handler alone, as the feature would."""
    (subscription,) = Subscription.of(sys.modules[__name__])
    app = FastAPI()
    app.dependency_overrides[script_of] = lambda: script
    app.post("/events")(endpoint(app, subscription, lambda: delivery))
    async with serve(app) as port, AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        yield client


async def deliver(app: AsyncClient, **data: Any) -> str:
    """Post a CloudEvent as the sidecar does; return the answer."""
    envelope = {"id": "e-1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "data": data}
    answer = await app.post("/events", json=envelope)
    assert answer.status_code == 200
    return answer.json()["status"]


async def test_an_event_that_is_handled_is_done_with(app: AsyncClient, script: Script) -> None:
    """SUCCESS; handler and logs know the event, and the trace goes on."""
    assert await deliver(app, number=1) == "SUCCESS"
    assert [(event.event_id, event.number) for event in script.seen] == [("e-1", 1)]
    assert script.traces == [TRACE]
    assert script.logged["event_id"] == "e-1"
    assert script.logged["topic"] == "tests-own.happened"


@pytest.mark.parametrize("failure", [Retry("later"), ConnectionError("gone")])
async def test_a_failure_that_passes_is_retried(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar, failure: Exception
) -> None:
    """Within the delivery: the sidecar hears of SUCCESS only."""
    script.outcomes = [failure] * 4
    assert await deliver(app, number=1) == "SUCCESS"
    assert len(script.seen) == 5
    assert sidecar.published(LETTERS) == []


async def test_after_five_tries_a_person_looks(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar
) -> None:
    """The dead letter holds the event and why; Dapr is told SUCCESS, or it would add another."""
    script.outcomes = [ConnectionError("gone")] * 9
    assert await deliver(app, number=1) == "SUCCESS"
    assert len(script.seen) == 5
    (letter,) = sidecar.published(LETTERS)
    assert (letter["original_event_type"], letter["retry_count"]) == ("Happened", 5)
    assert (letter["error_type"], letter["error_message"]) == ("ConnectionError", "gone")
    assert (letter["consumer_agent"], letter["original_payload"]["data"]) == ("test", {"number": 1})
    assert letter["original_topic"] == "tests-own.happened"


async def test_what_went_wrong_may_be_no_unicode(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar
) -> None:
    """A model may say half a surrogate, and an error repeat it."""
    script.outcomes = [ValueError("bad \ud800 text")] * 9
    assert await deliver(app, number=1) == "SUCCESS"
    (letter,) = sidecar.published(LETTERS)
    assert letter["error_message"] == r"bad \ud800 text"


@pytest.mark.parametrize("failure", [NotFoundError("order", "o-1"), HTTPException(404)])
async def test_a_dependency_that_raises_is_a_failed_try(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar, failure: Exception
) -> None:
    """Answered as in a route it would be 404, and Dapr would forget the event."""
    script.before = [failure] * 4
    assert await deliver(app, number=1) == "SUCCESS"
    assert len(script.seen) == 1
    script.before = [failure] * 5
    assert await deliver(app, number=1) == "SUCCESS"
    (letter,) = sidecar.published(LETTERS)
    assert (letter["error_type"], letter["retry_count"]) == (type(failure).__name__, 5)


async def test_what_a_handler_needs_is_opened_for_each_try(
    app: AsyncClient, script: Script
) -> None:
    """And closed before the next, knowing what was raised."""
    script.outcomes = [Retry("later")] * 2
    assert await deliver(app, number=1) == "SUCCESS"
    assert (len(script.seen), script.closed) == (3, 3)


def unreadable() -> ValidationError:
    """Return what a handler's own model raises."""
    with pytest.raises(ValidationError) as caught:
        Happened.model_validate({"number": "many"})
    return caught.value


def group(*failures: Exception) -> Exception:
    """Return what a `TaskGroup` in a `TaskGroup` raises."""
    return ExceptionGroup("of tasks", [ExceptionGroup("of tasks", failures)])


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (unreadable(), "ValidationError"),
        (InvalidIdError("empty"), "InvalidIdError"),
        (group(SidecarUnavailableError("gone"), unreadable()), "ValidationError"),
    ],
)
async def test_what_the_handlers_own_models_refuse_is_bad_data(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar, failure: Exception, name: str
) -> None:
    """No second try."""
    script.outcomes = [failure] * 9
    assert await deliver(app, number=1) == "SUCCESS"
    assert len(script.seen) == 1
    (letter,) = sidecar.published(LETTERS)
    assert (letter["error_type"], letter["retry_count"]) == (name, 1)


@pytest.mark.parametrize(
    ("failure", "answer"),
    [
        (SidecarUnavailableError("gone"), "RETRY"),
        (SidecarError("state.save", Answer(500, {}, b"")), "RETRY"),
        (SidecarError("state.bulk_get", Answer(200, {}, b'[{"error": "down"}]')), "RETRY"),
        (UnavailableError("'callee' failed 5 times in a row: a pause."), "RETRY"),
        (group(DeadlineError("slow"), SidecarUnavailableError("gone")), "RETRY"),
        (UnpublishedError("tests-own.happened", [], outage=True), "RETRY"),
        (SidecarError("state.save", Answer(400, {}, b"")), "SUCCESS"),
        (SidecarError("publish", Answer(500, {}, b"Message was too large")), "SUCCESS"),
        (DeadlineError("slow"), "SUCCESS"),
    ],
)
async def test_an_outage_is_not_the_events_fault(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar, failure: Exception, answer: str
) -> None:
    """After five tries Dapr is asked to deliver the event again: good ones are no dead letters."""
    script.outcomes = [failure] * 9
    assert await deliver(app, number=1) == answer
    assert len(script.seen) == 5
    assert len(sidecar.published(LETTERS)) == (answer == "SUCCESS")


async def test_what_is_given_up_is_an_alert(
    app: AsyncClient, script: Script, logs: list[Any]
) -> None:
    """Logged as critical, bad data as well: nothing but a person gets it back."""
    script.outcomes = [ConnectionError("gone")] * 9
    await deliver(app, number=1)
    await deliver(app, number="many")
    told = [log for log in logs if log["event"] == "event.dead_lettered"]
    assert [(log["log_level"], log["tries"]) for log in told] == [("critical", 5), ("critical", 1)]


async def test_what_is_wrong_is_told_without_the_data(
    app: AsyncClient, sidecar: EmbeddedSidecar
) -> None:
    """The reason is logged, and the data may be about a person."""
    assert await deliver(app, number="my secret") == "SUCCESS"
    (letter,) = sidecar.published(LETTERS)
    assert letter["error_message"].startswith("number: ")
    assert "secret" not in letter["error_message"]


@pytest.mark.parametrize("failure", [Drop("no"), group(ConnectionError("gone"), Drop("no"))])
async def test_a_drop_is_not_retried(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar, failure: Exception
) -> None:
    """Dapr dead-letters it as it is."""
    script.outcomes = [failure]
    assert await deliver(app, number=1) == "DROP"
    assert len(script.seen) == 1
    assert sidecar.published(LETTERS) == []


@pytest.mark.parametrize("data", [{}, {"number": "many"}, {"number": None}])
async def test_bad_data_is_dead_lettered_at_once(
    app: AsyncClient, script: Script, sidecar: EmbeddedSidecar, data: dict[str, Any]
) -> None:
    """It stays bad, however often it is tried."""
    assert await deliver(app, **data) == "SUCCESS"
    assert script.seen == []
    (letter,) = sidecar.published(LETTERS)
    assert (letter["error_type"], letter["retry_count"]) == ("ValidationError", 1)
    assert "number" in letter["error_message"]


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"id": "e-1"}', b"\xff", b"1"])
async def test_what_is_no_event_never_comes_again(
    app: AsyncClient, sidecar: EmbeddedSidecar, body: bytes
) -> None:
    """An envelope that can't be read would else be delivered for ever."""
    answer = await app.post("/events", content=body)
    assert answer.json() == {"status": "SUCCESS"}
    assert len(sidecar.published(LETTERS)) == 1


def nested(levels: int) -> str:
    """Return lists in lists, as JSON."""
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "extra",
    [nested(n) for n in (150, 199, 250, 900, 5000)] + ['"\\ud800"', "NaN", "1e999", "9" * 5000],
)
@pytest.mark.parametrize("number", ["1", '"many"'])
async def test_what_others_can_not_read_is_dead_lettered_as_text(
    app: AsyncClient, sidecar: EmbeddedSidecar, extra: str, number: str
) -> None:
    """Too deep, or no Unicode, or no number of JSON's: a letter with it could not be published."""
    body = f'{{"id": "e-1", "data": {{"number": {number}, "extra": {extra}}}}}'
    answer = await app.post("/events", content=body)
    assert answer.json() == {"status": "SUCCESS"}
    (letter,) = sidecar.published(LETTERS)
    assert (letter["error_type"], letter["original_payload"]) == ("NoEventError", {"raw": body})


async def test_what_is_deep_is_an_event_still(app: AsyncClient, script: Script) -> None:
    """Within reason."""
    body = f'{{"id": "e-1", "data": {{"number": 1, "extra": {nested(90)}}}}}'
    assert (await app.post("/events", content=body)).json() == {"status": "SUCCESS"}
    assert len(script.seen) == 1


async def test_fields_of_newer_versions_are_no_bad_data(app: AsyncClient, script: Script) -> None:
    """New fields are optional."""
    assert await deliver(app, number=1, version="1.7", mood="good") == "SUCCESS"
    assert script.seen[0].version == "1.7"


async def test_what_names_no_time_happened_when_it_was_sent(
    app: AsyncClient, script: Script
) -> None:
    """Also when it is delivered again, on another day."""
    envelope = {"id": "e-1", "time": "2026-01-02T03:04:05Z", "data": {"number": 1}}
    await app.post("/events", json=envelope)
    own = {"number": 1, "timestamp": "2025-01-01T00:00:00Z"}
    await app.post("/events", json={**envelope, "data": own})
    await app.post("/events", json={**envelope, "time": None})
    sent, told, came = [event.timestamp for event in script.seen]
    assert sent == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert told == datetime(2025, 1, 1, tzinfo=UTC)
    assert came > sent


class TestWithoutPublishing:
    """The sidecar takes no dead letter."""

    @pytest.fixture
    def connection(self) -> Sidecar:
        """Return a connection that leads nowhere."""
        return Down()

    async def test_an_event_that_can_not_be_dead_lettered_comes_again(
        self, app: AsyncClient
    ) -> None:
        """RETRY: nothing is lost."""
        assert await deliver(app, number="many") == "RETRY"

    async def test_why_it_can_not_is_told_without_the_data(
        self, app: AsyncClient, script: Script, logs: list[Any]
    ) -> None:
        """No traceback: it would begin with what the handler failed at."""
        script.outcomes = [unreadable()]
        assert await deliver(app, number=1) == "RETRY"
        (told,) = [log for log in logs if log["event"] == "event.not_dead_lettered"]
        assert told["reason"] == "publish failed with 500"
        assert not told.get("exc_info")


class TestWithSmallEvents:
    """The sidecar takes no dead letter with a large event in it."""

    @pytest.fixture
    def connection(self) -> Narrow:
        """Return a connection that takes small ones."""
        return Narrow()

    async def test_of_what_is_too_large_the_letter_holds_the_beginning(
        self, app: AsyncClient, connection: Narrow
    ) -> None:
        """Tried again, it would hold its partition for good."""
        assert await deliver(app, number="many", pad="x" * 3000) == "SUCCESS"
        assert (await app.post("/events", content=b'"' * 3000)).json() == {"status": "SUCCESS"}
        event, text = connection.taken
        assert (event["error_type"], event["original_payload"]["id"]) == ("ValidationError", "e-1")
        assert event["original_payload"]["data"].startswith("{'number': 'many', 'pad': 'xxx")
        assert text["original_payload"] == {"raw": '"' * 1000}


def test_the_errors_of_events_hide_what_they_hold() -> None:
    """Wherever they are logged."""
    with pytest.raises(ValidationError) as caught:
        Happened.model_validate({"number": "my secret"})
    assert "secret" not in str(caught.value)


async def answering(event: Happened) -> Any:
    """Answer as a route of one's own would answer Dapr."""
    return {"status": "RETRY", "id": event.event_id}


async def test_a_handler_that_returns_something_has_failed(
    delivery: Delivery, sidecar: EmbeddedSidecar
) -> None:
    """Taken for SUCCESS, the event that it wants again would be lost; the reason says how to."""
    app = FastAPI()
    subscription = Subscription("tests-own.happened", Happened, answering)
    app.post("/events")(endpoint(app, subscription, lambda: delivery))
    async with serve(app) as port, AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        assert await deliver(client, number=1) == "SUCCESS"
    (letter,) = sidecar.published(LETTERS)
    assert (letter["error_type"], letter["retry_count"]) == ("TypeError", 5)
    assert "raises Retry or Drop" in letter["error_message"]
