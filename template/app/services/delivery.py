"""Delivering: from what the sidecar posts to a handler's call, and from its outcome to an answer."""

import asyncio
import inspect
import json
import random
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from structlog.contextvars import bound_contextvars

from app.contracts.event import ErrorEvent, Event
from app.core.telemetry import continue_trace
from app.services.publisher import Publisher
from app.services.pubsub import Drop, Subscription

log = structlog.get_logger("app.events")

EVENTS = Counter("events_total", "Events by what became of them.", ["topic", "outcome"])

TRIES = 5
"""How often a handler is tried in one delivery (spec section 6)."""


class EventSettings(BaseSettings):
    """How deliveries are retried."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    event_retry_seconds: float = Field(
        default=0.2, ge=0, description="Wait before the second try of an event; doubles each time."
    )


class Delivery:
    """Calls handlers for the sidecar and answers it with what became of the event."""

    def __init__(self, publisher: Publisher, dead_letters: str, consumer: str, wait: float) -> None:
        self._publisher = publisher
        self._dead_letters = dead_letters
        self._consumer = consumer
        self._wait = wait

    async def handle(
        self, subscription: Subscription, body: bytes, arguments: dict[str, Any]
    ) -> str:
        """Handle one delivery; return `SUCCESS`, `RETRY` or `DROP`."""
        try:
            envelope = _envelope(body)
            event = _event(subscription.event, envelope)
        except ValueError as error:  # pydantic's ValidationError is one
            reason = _reason(error)
            return await self._dead_letter(subscription, _raw(body), error, reason, tries=1)
        continue_trace(envelope.get("traceparent"))
        with bound_contextvars(topic=subscription.topic, event_id=event.event_id):
            return await self._try(subscription, event, envelope, arguments)

    async def _try(
        self,
        subscription: Subscription,
        event: Event,
        envelope: dict[str, Any],
        arguments: dict[str, Any],
    ) -> str:
        for tries in range(1, TRIES + 1):
            try:
                await subscription.handler(event, **arguments)
            except Drop as error:
                return self._done(subscription, "dropped", "DROP", reason=str(error))
            except Exception as error:  # every other failure may pass: the last try decides
                if tries == TRIES:
                    log.exception("event.failed", tries=tries)
                    reason = f"{type(error).__name__}: {error}"
                    return await self._dead_letter(subscription, envelope, error, reason, tries)
                delay = self._wait * 2 ** (tries - 1) * random.uniform(0.5, 1)
                log.warning(
                    "event.retried",
                    tries=tries,
                    delay_ms=round(delay * 1000),
                    reason=type(error).__name__,
                )
                EVENTS.labels(subscription.topic, "retried").inc()
                await asyncio.sleep(delay)
            else:
                return self._done(subscription, "handled", "SUCCESS", tries=tries)
        raise AssertionError("the last try returns")

    async def _dead_letter(
        self,
        subscription: Subscription,
        payload: dict[str, Any],
        error: Exception,
        reason: str,
        tries: int,
    ) -> str:
        event = ErrorEvent(
            original_event_type=subscription.event.__name__,
            error_type=type(error).__name__,
            error_message=reason[:1000],
            original_payload=payload,
            retry_count=tries,
            consumer_agent=self._consumer,
        )
        try:
            await self._publisher.publish(self._dead_letters, event)
        except Exception:  # nothing may be lost: Dapr delivers it again
            log.exception("event.not_dead_lettered")
            return "RETRY"
        return self._done(subscription, "dead_lettered", "SUCCESS", tries=tries, reason=reason)

    def _done(self, subscription: Subscription, outcome: str, answer: str, **about: Any) -> str:
        write = log.info if outcome == "handled" else log.error
        write(f"event.{outcome}", topic=subscription.topic, **about)
        EVENTS.labels(subscription.topic, outcome).inc()
        return answer


def endpoint(subscription: Subscription, delivery: Callable[[Request], Delivery]) -> Any:
    """Return a FastAPI endpoint; FastAPI resolves the dependencies that the handler asks for."""

    async def receive(request: Request, **arguments: Any) -> JSONResponse:
        answer = await delivery(request).handle(subscription, await request.body(), arguments)
        return JSONResponse({"status": answer})

    own = list(inspect.signature(subscription.handler, eval_str=True).parameters.values())[1:]
    request = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    parameters = [request, *(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own)]
    setattr(receive, "__signature__", inspect.Signature(parameters))  # noqa: B010
    return receive


def _envelope(body: bytes) -> dict[str, Any]:
    envelope = json.loads(body)
    if not isinstance(envelope, dict) or "data" not in envelope:
        raise ValueError("no CloudEvent: an object with `data` was expected")
    return envelope


def _event(kind: type[Event], envelope: dict[str, Any]) -> Event:
    data = envelope["data"]
    if isinstance(data, dict) and "id" in envelope:
        data = {"event_id": envelope["id"], **data}
    return kind.model_validate(data)


def _raw(body: bytes) -> dict[str, Any]:
    try:
        return _envelope(body)
    except ValueError:
        return {"raw": body.decode("utf-8", "replace")}


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
        )
    return str(error)
