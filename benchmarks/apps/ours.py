"""What the generated service that is measured does: `app/handlers/events.py` there."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from app.contracts.event import Event
from app.core.key import Key
from app.core.resources import resource
from app.services.invoke import Invoker
from app.services.pubsub import on
from app.services.state import StateStore

router = APIRouter(prefix="/bench")

arrived: list[float] = []
handled: list[float] = []


class OrderCreated(Event):
    """An order of a customer."""

    user_id: str
    sent: float
    text: str


class Orders(BaseModel):
    """What a customer ordered."""

    count: int = 0
    text: str = ""


@on("orders.created")
async def created(
    event: OrderCreated, store: Annotated[StateStore, Depends(resource(StateStore))]
) -> None:
    """Count an order of its customer, once."""
    arrived.append((time.time() - event.sent) * 1000)

    def counted(before: Orders | None) -> Orders:
        return Orders(count=(before or Orders()).count + 1, text=event.text)

    await store.once(event.once_id, Key.of("orders", event.user_id), Orders, counted)
    handled.append(time.time())


class Value(BaseModel):
    """What is stored and sent."""

    count: int
    text: str


@router.get("/events")
async def events() -> dict[str, Any]:
    """Return the milliseconds from publish to handler, and when the last one was done."""
    return {"ms": arrived, "handled": len(handled), "last": max(handled, default=0)}


@router.delete("/events")
async def forget() -> None:
    """Begin anew."""
    arrived.clear()
    handled.clear()


@router.post("/state")
async def state(
    number: int, store: Annotated[StateStore, Depends(resource(StateStore))]
) -> dict[str, list[float]]:
    """Save and read one entry `number` times; returns milliseconds of each."""
    get: list[float] = []
    save: list[float] = []
    key = Key.of("one")
    for count in range(number):
        began = time.perf_counter()
        await store.save(key, Value(count=count, text="x" * 100))
        saved = time.perf_counter()
        await store.get(key, Value)
        save.append((saved - began) * 1000)
        get.append((time.perf_counter() - saved) * 1000)
    return {"get": get, "save": save}


@router.post("/invoke")
async def invoke(
    number: int, invoker: Annotated[Invoker, Depends(resource(Invoker))]
) -> list[float]:
    """Call the echo `number` times; returns milliseconds of each."""
    taken: list[float] = []
    for count in range(number):
        began = time.perf_counter()
        await invoker.call("echo", "echo", Value(count=count, text="x"), Value)
        taken.append((time.perf_counter() - began) * 1000)
    return taken
