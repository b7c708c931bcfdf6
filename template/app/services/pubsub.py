"""Subscribing: `@on(topic)` marks a handler; what it raises decides what Dapr is answered."""

import asyncio
import inspect
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from types import ModuleType, NoneType
from typing import Annotated, Any, TypeVar, cast, get_type_hints

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import Counter
from pydantic import Field, ValidationError
from pydantic_core import from_json
from structlog.contextvars import bind_contextvars, bound_contextvars

from app.contracts.event import ErrorEvent, Event, letter_id
from app.core.config import Environment
from app.core.errors import InvalidIdError
from app.core.feature import StartError
from app.core.telemetry import continue_trace
from app.services.publisher import Publisher

log = structlog.get_logger("app.events")

EVENTS = Counter("events_total", "Events by what became of them.", ["topic", "outcome"])
TRIES = 5  # of a handler, in one delivery
REPLAY = "x-replay"  # the header of a dead letter that is handed in again

Handler = Callable[..., Awaitable[None]]
Attempt = Callable[[Event], Awaitable[None]]
H = TypeVar("H", bound=Handler)


class Retry(Exception):  # noqa: N818 - it asks for something, it is no failure of the code
    """Raise it where a later try may work."""


class Drop(Exception):  # noqa: N818
    """Raise it where no try will ever work: Dapr's DROP, which dead-letters the event as it is."""


class NoEventError(Exception):
    """What was delivered is no CloudEvent."""


BAD_DATA = (NoEventError, ValidationError, InvalidIdError)  # fails again however often it is tried


def on(topic: str) -> Callable[[H], H]:
    """Subscribe a handler: an async function of one event and any FastAPI dependencies."""

    def mark(handler: H) -> H:
        setattr(handler, "__topic__", topic)  # noqa: B010 - functions declare no such attribute
        return handler

    return mark


@dataclass(frozen=True)
class Subscription:
    """A handler and what it reads."""

    topic: str
    event: type[Event]
    handler: Handler

    @classmethod
    def of(cls, module: ModuleType) -> Iterator["Subscription"]:
        """Find what `on` has marked in a module; a StartError tells of what can't be a handler."""
        for name, handler in inspect.getmembers(module, inspect.isfunction):
            topic = getattr(handler, "__topic__", None)
            if topic is None or handler.__module__ != module.__name__:
                continue
            hints = get_type_hints(handler)
            event = hints.get(next(iter(inspect.signature(handler).parameters), ""))
            good = inspect.iscoroutinefunction(handler) and hints.get("return") in {None, NoneType}
            if not (good and isinstance(event, type) and issubclass(event, Event)):
                raise StartError(f"{module.__name__}.{name} is not `async (Event, ...) -> None`")
            yield cls(topic, event, handler)


class EventSettings(Environment):
    """How deliveries are retried."""

    event_retry_seconds: float = Field(default=0.2, ge=0, description="Wait for the second try.")
    publish_seconds: float = Field(default=15, gt=0, description="A publish is repeated that long.")


@dataclass(frozen=True)
class Delivery:
    """Calls handlers for the sidecar; each answer is Dapr's SUCCESS, RETRY or DROP."""

    publisher: Publisher
    dead_letters: str
    consumer: str
    wait: float
    replay: bool = False
    """Whether the event is a dead letter already: it makes no other, and RETRY says it failed."""

    async def handle(self, subscription: Subscription, body: bytes, attempt: Attempt) -> str:
        """Handle one delivery; `attempt` calls the handler."""
        payload, event, tries = envelope_of(body), None, 1
        topic, trace_id = subscription.topic, continue_trace(payload.get("traceparent"))
        with bound_contextvars(topic=topic, event_id=payload.get("id"), trace_id=trace_id):
            while True:
                try:
                    event = event or _event(subscription.event, payload)
                    bind_contextvars(event_id=event.event_id)
                    await attempt(event)
                except Exception as raised:  # bad data stays bad; any other failure may pass
                    error = _gravest(raised)
                    if isinstance(error, Drop):
                        return _end("DROP", topic, "dropped", log.error, reason=_reason(error))
                    if isinstance(error, BAD_DATA) or tries == TRIES:
                        return await self._dead_letter(subscription, payload, error, tries)
                    log.warning("event.retried", tries=tries, reason=type(error).__name__)
                    EVENTS.labels(topic, "retried").inc()
                    await asyncio.sleep(self.wait * 2 ** (tries - 1) * random.uniform(0.5, 1))
                    tries += 1
                else:
                    return _end("SUCCESS", topic, "handled", log.info, tries=tries)

    async def _dead_letter(
        self, subscription: Subscription, payload: dict[str, Any], error: Exception, tries: int
    ) -> str:
        event = ErrorEvent(
            event_id=letter_id(self.consumer, subscription.topic, payload),
            original_event_type=subscription.event.__name__,
            original_topic=subscription.topic,
            error_type=type(error).__name__,
            error_message=_reason(error)[:1000],
            original_payload=payload,
            retry_count=tries,
            consumer_agent=self.consumer,
        )
        about: dict[str, Any] = {"reason": event.error_message, "tries": tries}
        about["exc_info"] = not isinstance(error, BAD_DATA)
        if self.replay or getattr(error, "outage", False):
            return _end("RETRY", subscription.topic, "postponed", log.error, **about)
        try:
            await self.publisher.publish(self.dead_letters, event)
        except Exception as failure:  # nothing may be lost: Dapr delivers the event again
            short = {name: str(value)[:1000] for name, value in payload.items()}
            if getattr(failure, "unfit", False) and short != payload:  # the event just fits alone
                return await self._dead_letter(subscription, short, error, tries)
            log.error("event.not_dead_lettered", reason=_reason(failure))  # no data: no traceback
            return "RETRY"
        return _end("SUCCESS", subscription.topic, "dead_lettered", log.critical, **about)


def endpoint(app: FastAPI, subscription: Subscription, delivery: Callable[..., Delivery]) -> Any:
    """Return an endpoint of `app` that takes a subscription's events."""

    # not as a route: where a dependency raises, its 404 would make Dapr forget the event
    async def run(request: Request, **needs: Any) -> None:
        if (answer := await subscription.handler(request["event"], **needs)) is not None:
            raise TypeError(f"a handler returns nothing, but raises Retry or Drop: {type(answer)}")

    _, *own = inspect.signature(subscription.handler, eval_str=True).parameters.values()
    named = inspect.Parameter.KEYWORD_ONLY
    given = [inspect.Parameter("request", named, annotation=Request), *own]
    signature = inspect.Signature([item.replace(kind=named) for item in given])
    setattr(run, "__signature__", signature)  # noqa: B010 - functions declare no such attribute
    route = APIRoute("/", run, response_model=None, dependency_overrides_provider=app)

    async def receive(request: Request, to: Annotated[Delivery, Depends(delivery)]) -> JSONResponse:
        # without the app's exception handlers, what is raised comes out; the answer goes nowhere
        scope = {k: v for k, v in request.scope.items() if k != "starlette.exception_handlers"}

        async def call(event: Event) -> None:
            await route.app({**scope, "event": event}, request.receive, lambda _: asyncio.sleep(0))

        to = replace(to, replay=REPLAY in request.headers)
        return JSONResponse({"status": await to.handle(subscription, await request.body(), call)})

    receive.__name__ = subscription.topic.replace(".", "__")  # OpenAPI names operations by it
    return receive


def _end(answer: str, topic: str, outcome: str, tell: Callable[..., Any], **about: Any) -> str:
    """Log and count what became of an event."""
    tell(f"event.{outcome}", **about)
    EVENTS.labels(topic, outcome).inc()
    return answer


def _gravest(error: Exception) -> Exception:
    """Return what decides: of a group's errors what no try mends, or else an outage."""
    if not isinstance(error, ExceptionGroup):
        return error
    parts = [_gravest(each) for each in cast("ExceptionGroup[Exception]", error).exceptions]
    return max(parts, key=lambda e: (isinstance(e, (Drop, *BAD_DATA)), getattr(e, "outage", False)))


def _reason(error: Exception) -> str:
    said = str(error)
    if isinstance(error, ValidationError):  # without the values, a student's: this is logged
        found = error.errors(include_input=False, include_url=False)
        said = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)
    return said.encode(errors="backslashreplace").decode()  # half a surrogate is no UTF-8


def envelope_of(body: bytes, spare: int = 100) -> dict[str, Any]:
    """Return the envelope; as `raw` text what can't be read, or not `spare` levels further in."""
    with suppress(ValueError, RecursionError):
        envelope: Any = json.loads(body)
        text = json.dumps(envelope, ensure_ascii=False, allow_nan=False).encode()
        from_json(b"[" * spare + text + b"]" * spare)  # pydantic reads 200 levels
        if isinstance(envelope, dict):
            return cast("dict[str, Any]", envelope)
    return {"raw": body.decode("utf-8", "replace")}


def _event(kind: type[Event], envelope: dict[str, Any]) -> Event:
    if "data" not in envelope:
        raise NoEventError("no CloudEvent: an object with `data`, 100 levels deep at most")
    if isinstance(data := envelope["data"], dict):
        known = {"event_id": envelope.get("id"), "timestamp": envelope.get("time")}
        data = {k: v for k, v in known.items() if v is not None} | cast("dict[str, Any]", data)
    return kind.model_validate(data)
