"""Subscribing: `@on(topic)` marks a handler; what it raises decides what Dapr is answered."""

import asyncio
import inspect
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar, cast, get_type_hints

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from pydantic import Field, ValidationError
from structlog.contextvars import bound_contextvars

from app.contracts.event import ErrorEvent, Event
from app.core.config import Environment
from app.core.telemetry import continue_trace
from app.services.publisher import Publisher

log = structlog.get_logger("app.events")

EVENTS = Counter("events_total", "Events by what became of them.", ["topic", "outcome"])
TRIES = 5  # of a handler, in one delivery

Handler = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Handler)


class Retry(Exception):  # noqa: N818 - it asks for something, it is no failure of the code
    """Raise it where a later try may work."""


class Drop(Exception):  # noqa: N818
    """Raise it where no try will ever work: Dapr's DROP, which dead-letters the event as it is."""


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
        """Find what `on` has marked in a module; the first parameter must be an Event."""
        for name, handler in inspect.getmembers(module, inspect.isfunction):
            topic = getattr(handler, "__topic__", None)
            if topic is None or handler.__module__ != module.__name__:
                continue
            event = get_type_hints(handler).get(next(iter(inspect.signature(handler).parameters)))
            if not (isinstance(event, type) and issubclass(event, Event)):
                raise TypeError(f"{module.__name__}.{name}: the first parameter is no Event")
            yield cls(topic, event, handler)


class EventSettings(Environment):
    """How deliveries are retried."""

    event_retry_seconds: float = Field(
        default=0.2, ge=0, description="Wait before the second try of an event; doubles each time."
    )


@dataclass(frozen=True)
class Delivery:
    """Calls handlers for the sidecar; each answer is Dapr's SUCCESS, RETRY or DROP."""

    publisher: Publisher
    dead_letters: str
    consumer: str
    wait: float

    async def handle(self, subscription: Subscription, body: bytes, needs: dict[str, Any]) -> str:
        """Handle one delivery; `needs` are the handler's dependencies."""
        payload: dict[str, Any] = {"raw": body.decode("utf-8", "replace")}
        with bound_contextvars(topic=subscription.topic):
            try:
                payload = _envelope(body)
                event = _event(subscription.event, payload)
            except ValueError as error:  # bad data stays bad: no second try
                return await self._dead_letter(subscription, payload, error, tries=1)
            trace_id = continue_trace(payload.get("traceparent"))
            with bound_contextvars(event_id=event.event_id, trace_id=trace_id):
                return await self._try(subscription, event, payload, needs)

    async def _try(
        self, subscription: Subscription, event: Event, payload: dict[str, Any], needs: Any
    ) -> str:
        topic, tries = subscription.topic, 1
        while True:
            try:
                await subscription.handler(event, **needs)
            except Drop as error:
                log.error("event.dropped", reason=str(error))
                EVENTS.labels(topic, "dropped").inc()
                return "DROP"
            except Exception as error:  # any other failure may pass: the last try decides
                if tries == TRIES:
                    log.exception("event.failed", tries=tries)
                    return await self._dead_letter(subscription, payload, error, tries)
                delay = self.wait * 2 ** (tries - 1) * random.uniform(0.5, 1)
                about = {"reason": type(error).__name__, "delay_ms": round(delay * 1000)}
                log.warning("event.retried", tries=tries, **about)
                EVENTS.labels(topic, "retried").inc()
                await asyncio.sleep(delay)
                tries += 1
            else:
                log.info("event.handled", tries=tries)
                EVENTS.labels(topic, "handled").inc()
                return "SUCCESS"

    async def _dead_letter(
        self, subscription: Subscription, payload: dict[str, Any], error: Exception, tries: int
    ) -> str:
        event = ErrorEvent(
            original_event_type=subscription.event.__name__,
            error_type=type(error).__name__,
            error_message=_reason(error)[:1000],
            original_payload=payload,
            retry_count=tries,
            consumer_agent=self.consumer,
        )
        try:
            await self.publisher.publish(self.dead_letters, event)
        except Exception:  # nothing may be lost: Dapr delivers the event again
            log.exception("event.not_dead_lettered")
            return "RETRY"
        log.error("event.dead_lettered", tries=tries, reason=event.error_message)
        EVENTS.labels(subscription.topic, "dead_lettered").inc()
        return "SUCCESS"


def endpoint(subscription: Subscription, delivery: Callable[[Request], Delivery]) -> Any:
    """Return a FastAPI endpoint; FastAPI resolves the dependencies that the handler asks for."""

    async def receive(request: Request, **needs: Any) -> JSONResponse:
        answer = await delivery(request).handle(subscription, await request.body(), needs)
        return JSONResponse({"status": answer})

    _, *own = inspect.signature(subscription.handler, eval_str=True).parameters.values()
    named = inspect.Parameter.KEYWORD_ONLY
    request = inspect.Parameter("request", named, annotation=Request)
    signature = inspect.Signature([request, *(item.replace(kind=named) for item in own)])
    setattr(receive, "__signature__", signature)  # noqa: B010 - functions declare no such attribute
    return receive


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    # without the values: they are a student's, and this is logged
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)


def _envelope(body: bytes) -> dict[str, Any]:
    envelope: Any = json.loads(body)
    if isinstance(envelope, dict) and "data" in envelope:
        return cast("dict[str, Any]", envelope)
    raise ValueError("no CloudEvent: an object with `data` was expected")


def _event(kind: type[Event], envelope: dict[str, Any]) -> Event:
    data = envelope["data"]
    if isinstance(data, dict) and "id" in envelope:
        data = {"event_id": envelope["id"], **cast("dict[str, Any]", data)}
    return kind.model_validate(data)
