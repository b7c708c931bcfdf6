"""State: Dapr's API over the stores."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.sidecar.blocks import App, Block
from dev.sidecar.blocks.stores import MANNERS, Change, EtagMismatchError, Store, StoreError
from dev.sidecar.components import Component
from dev.sidecar.core import Sidecar
from dev.sidecar.wire import DaprError, metadata_of, parameter

T = TypeVar("T")


class _Item(BaseModel):
    """An entry to save or, in a transaction, to delete."""

    key: str
    value: Any = None
    etag: str | None = None
    metadata: dict[str, str] = {}
    options: dict[str, str] = {}


class _Step(BaseModel):
    operation: Literal["upsert", "delete"]
    request: _Item


class _Transaction(BaseModel):
    operations: list[_Step]
    metadata: dict[str, str] = {}


ITEMS, STEPS = TypeAdapter(list[_Item]), TypeAdapter(_Transaction)
KEYS = TypeAdapter(dict[Literal["keys", "parallelism", "metadata"], Any])


@dataclass(frozen=True)
class Place:
    """A store as one app sees it in one request."""

    app: App
    request: Request
    component: Component
    store: Store

    def full(self, key: str) -> str:
        """Return the key as it is stored."""
        if "||" in key:
            why = f"input key/keyPrefix '{key}' can't contain '||'"
            raise DaprError(400, "ERR_MALFORMED_REQUEST", why)
        return prefix(self.component, self.app) + key

    def change(self, item: _Item, *, delete: bool = False) -> Change:
        """Return what an item asks for."""
        order = item.options.get("concurrency")
        ttl = (metadata_of(self.request) | item.metadata).get("ttlInSeconds")
        try:
            return Change(
                key=self.full(item.key),
                value=None if delete else json.dumps(item.value),
                etag="" if order == "last-write" else item.etag or "",
                first_write=order == "first-write",
                ttl=None if ttl is None else int(ttl),
            )
        except ValueError as error:
            raise DaprError(500, "ERR_STATE_SAVE", f"failed to parse ttl: {error}") from error


class State(Block):
    """The block: one store for each component, whichever app it belongs to."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._stores: dict[tuple[str, str], Store] = {}

    def routes(self, app: App) -> Sequence[Route]:
        """Return the routes; those with a key come last."""
        root, writing = "/v1.0/state/{store}", ["POST", "PUT"]
        return [
            Route(root, partial(self._save, app), methods=writing),
            Route(f"{root}/bulk", partial(self._bulk_get, app), methods=writing),
            Route(f"{root}/transaction", partial(self._transact, app), methods=writing),
            Route(f"{root}/{{key}}", partial(self._get, app), methods=["GET"]),
            Route(f"{root}/{{key}}", partial(self._delete, app), methods=["DELETE"]),
        ]

    async def _get(self, app: App, request: Request) -> Response:
        key = parameter(request, "key")
        with self._at(app, request, "get", [key]) as place:
            entry = place.store.get(place.full(key))
        if entry is None:
            return Response(status_code=204)
        return Response(entry.value, 200, {"etag": entry.etag}, "application/json")

    async def _bulk_get(self, app: App, request: Request) -> Response:
        keys: list[str] = (await _read(KEYS, request)).get("keys", [])
        with self._at(app, request, "bulk_get", keys) as place:
            found = [(key, place.store.get(place.full(key))) for key in keys]
        hits = {key: {"data": json.loads(e.value), "etag": e.etag} for key, e in found if e}
        return JSONResponse([{"key": key, **hits.get(key, {})} for key in keys])

    async def _save(self, app: App, request: Request) -> Response:
        items = await _read(ITEMS, request)
        with self._at(app, request, "save", [item.key for item in items]) as place:
            refused: DaprError | None = None
            for change in [place.change(item) for item in items]:
                try:  # in parallel, not atomic: one that fails stops no other
                    place.store.apply(change)
                except StoreError as error:
                    why = f"failed saving state in state store {place.component.name}"
                    refused = DaprError(error.status, "ERR_STATE_SAVE", f"{why}: {_words(error)}")
            if refused:
                raise refused
        return Response(status_code=204)

    async def _delete(self, app: App, request: Request) -> Response:
        key, etag = parameter(request, "key"), request.headers.get("if-match")
        item = _Item(key=key, etag=etag, options=dict(request.query_params))
        with self._at(app, request, "delete", [key]) as place:
            try:
                place.store.apply(place.change(item, delete=True))
            except StoreError as error:
                why = f"failed deleting state with key {key}: {_words(error)}"
                raise DaprError(error.status, "ERR_STATE_DELETE", why) from error
        return Response(status_code=204)

    async def _transact(self, app: App, request: Request) -> Response:
        steps = (await _read(STEPS, request)).operations
        with self._at(app, request, "transact", [step.request.key for step in steps]) as place:
            changes = [place.change(s.request, delete=s.operation == "delete") for s in steps]
            try:
                place.store.transact(changes)
            except StoreError as error:
                why = f"error while executing state transaction: {_words(error)}"
                raise DaprError(500, "ERR_STATE_TRANSACTION", why) from error
        return Response(status_code=204)

    @contextmanager
    def _at(self, app: App, request: Request, operation: str, keys: list[str]) -> Generator[Place]:
        """Find the store, and record what becomes of the operation."""
        name, outcome = parameter(request, "store"), "ok"
        component = app.components.get(name)
        if component is None or not component.type.startswith("state."):
            raise DaprError(400, "ERR_STATE_STORE_NOT_FOUND", f"state store {name} is not found")
        try:
            yield Place(app, request, component, self._store(component))
        except DaprError as error:
            outcome = str(error.status)
            raise
        finally:
            trace = self._sidecar.span(request.headers.get("traceparent"))
            subject = f"{name}/{','.join(keys)}"
            self._sidecar.tell(f"state.{operation}", app, subject, trace, outcome=outcome)

    def _store(self, component: Component) -> Store:
        place = (component.name, component.type)
        if place not in self._stores:
            kind = MANNERS.get(component.type, Store)
            self._stores[place] = kind(self._sidecar.clock.now, self._sidecar.uuid)
        return self._stores[place]

    def value(self, key: str, store: str | None) -> Any:
        """See `Sidecar.state`; the prefixes of Dapr and of the service may be left out."""
        stores = [held for (name, _), held in self._stores.items() if store in {None, name}]
        entries = [pair for held in stores for pair in held.entries().items()]
        whole = [pair for pair in entries if key in {pair[0], pair[0].rpartition("||")[2]}]
        found = whole or [pair for pair in entries if pair[0].endswith(f":{key}")]
        if len(found) > 1:
            raise LookupError(f"'{key}' could be any of {sorted(full for full, _ in found)}")
        stored = json.loads(found[0][1].value) if found else None
        if isinstance(stored, str) and stored.startswith('{"value":'):
            return json.loads(stored)["value"]
        return stored


def prefix(component: Component, app: App) -> str:
    """Return what Dapr puts before an app's keys, by the component's `keyPrefix`."""
    strategy = component.options.get("keyPrefix", "appid")
    spaced = f"{app.namespace}.{app.app_id}" if app.namespace else app.app_id
    known = {"appid": app.app_id, "name": component.name, "namespace": spaced, "none": ""}
    word = known.get(strategy, strategy)
    return f"{word}||" if word else ""


def _number(text: str) -> float:
    """Return a number as it comes out of Dapr, which holds every number as float64."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


async def _read(shape: TypeAdapter[T], request: Request) -> T:
    try:
        document = json.loads(await request.body(), parse_int=_number, parse_float=_number)
        return shape.validate_python(document)
    except ValueError as error:
        why = f"failed deserializing HTTP body: {error}"
        raise DaprError(400, "ERR_MALFORMED_REQUEST", why) from error


def _words(error: StoreError) -> str:
    mismatch = "possible etag mismatch. " if isinstance(error, EtagMismatchError) else ""
    return f"{mismatch}error from state store: {error}"


block = State
