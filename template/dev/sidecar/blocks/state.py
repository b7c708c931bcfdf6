"""State: Dapr's API over the stores."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.sidecar.blocks import App, Block, DaprError, metadata_of, parameter
from dev.sidecar.blocks.stores import Change, Entry, Store, StoreError
from dev.sidecar.core import Sidecar

T = TypeVar("T")

FAILURES = {"save": "failed saving state", "delete": "failed deleting state"}


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


class _Many(BaseModel):
    """The body of a bulk get or of a transaction."""

    keys: list[str] = []
    operations: list[_Step] = []


@dataclass(frozen=True)
class _Place:
    """A store as one app sees it in one request."""

    store: Store
    prefix: str
    metadata: dict[str, str]

    def get(self, key: str) -> Entry | None:
        return self.store.entries().get(self._full(key))

    def change(self, item: _Item, *, delete: bool = False) -> Change:
        order = item.options.get("concurrency")
        ttl = (self.metadata | item.metadata).get("ttlInSeconds")
        if ttl and not ttl.lstrip("-").isdecimal():
            raise StoreError(500, f"failed to parse ttl: '{ttl}'")
        return Change(
            key=self._full(item.key),
            value=None if delete else json.dumps(item.value),
            etag="" if order == "last-write" else item.etag or "",
            first_write=order == "first-write",
            ttl=int(ttl) if ttl else None,
        )

    def _full(self, key: str) -> str:
        if "||" in key:
            why = f"input key/keyPrefix '{key}' can't contain '||'"
            raise DaprError(400, "ERR_MALFORMED_REQUEST", why)
        return self.prefix + key


Operation = Callable[[_Place, Request], Awaitable[Response | None]]


class State(Block):
    """The block: one store for each component, whichever app it belongs to."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._stores: dict[tuple[str, str], Store] = {}
        sidecar.state = self._state

    def routes(self, app: App) -> Sequence[Route]:
        """Return the routes; those with a key come last."""

        def route(path: str, name: str, operation: Operation, *methods: str) -> Route:
            run = partial(self._run, app, name, operation)
            return Route(f"/v1.0/state/{{store}}{path}", run, methods=methods, name=f"state.{name}")

        return [
            route("", "save", self._save, "POST", "PUT"),
            route("/bulk", "bulk_get", self._bulk_get, "POST", "PUT"),
            route("/transaction", "transaction", self._transact, "POST", "PUT"),
            route("/{key}", "get", self._get, "GET"),
            route("/{key}", "delete", self._delete, "DELETE"),
        ]

    async def _run(self, app: App, name: str, run: Operation, request: Request) -> Response:
        """Find the store, and turn its errors into Dapr's."""
        store = parameter(request, "store")
        try:
            return await run(self._place(app, store, request), request) or Response(status_code=204)
        except StoreError as error:
            status = 500 if name == "transaction" else error.status
            why = f"{FAILURES.get(name, 'failed')} in state store {store}: {error}"
            raise DaprError(status, f"ERR_STATE_{name.upper()}", why) from error

    def _place(self, app: App, name: str, request: Request) -> _Place:
        component = app.components.get(name)
        if component is None or not component.type.startswith("state."):
            raise DaprError(400, "ERR_STATE_STORE_NOT_FOUND", f"state store {name} is not found")
        now, uuid = self._sidecar.clock.now, self._sidecar.uuid
        store = self._stores.setdefault((name, component.type), Store(component.type, now, uuid))
        word = component.options.get("keyPrefix", "appid")
        word = {"appid": app.app_id, "namespace": app.app_id, "name": name, "none": ""}.get(
            word, word
        )
        return _Place(store, f"{word}||" if word else "", metadata_of(request))

    async def _get(self, place: _Place, request: Request) -> Response | None:
        entry = place.get(parameter(request, "key"))
        if entry is None:
            return None
        return Response(entry.value, 200, {"etag": entry.etag}, "application/json")

    async def _bulk_get(self, place: _Place, request: Request) -> Response:
        found = [(key, place.get(key)) for key in (await _read(_Many, request)).keys]
        hits = {key: {"data": json.loads(e.value), "etag": e.etag} for key, e in found if e}
        return JSONResponse([{"key": key, **hits.get(key, {})} for key, _ in found])

    async def _save(self, place: _Place, request: Request) -> None:
        failure: StoreError | None = None
        for change in [place.change(item) for item in await _read(list[_Item], request)]:
            try:  # in parallel, not atomic: one that fails stops no other
                place.store.apply(change)
            except StoreError as error:
                failure = error
        if failure:
            raise failure

    async def _delete(self, place: _Place, request: Request) -> None:
        key, etag = parameter(request, "key"), request.headers.get("if-match")
        item = _Item(key=key, etag=etag, options=dict(request.query_params))
        place.store.apply(place.change(item, delete=True))

    async def _transact(self, place: _Place, request: Request) -> None:
        steps = (await _read(_Many, request)).operations
        changes = [place.change(s.request, delete=s.operation == "delete") for s in steps]
        place.store.transact(changes)

    async def _state(self, key: str, store: str | None = None) -> Any:
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


def _number(text: str) -> float:
    """Return a number as it comes out of Dapr, which holds every number as float64."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


async def _read(shape: type[T], request: Request) -> T:
    try:
        document = json.loads(await request.body(), parse_int=_number, parse_float=_number)
        return TypeAdapter(shape).validate_python(document)
    except ValueError as error:
        why = f"failed deserializing HTTP body: {error}"
        raise DaprError(400, "ERR_MALFORMED_REQUEST", why) from error


block = State
