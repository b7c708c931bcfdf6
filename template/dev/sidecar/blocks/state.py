"""State: Dapr's API over the stores."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.sidecar.blocks import App, Block, DaprError, decoded, metadata_of, number, parameter
from dev.sidecar.blocks.stores import POSTGRESQL, Change, Entry, Store, StoreError
from dev.sidecar.core import Sidecar

FAILURES = {
    "save": "failed saving state in state store {store}: {why}",
    "delete": "failed deleting state with key {key}: {why}",
    "transaction": "error while executing state transaction: {why}",
}


@dataclass(frozen=True)
class _Place:
    """A store as one app sees it in one request."""

    store: Store
    prefix: str
    metadata: dict[str, str]

    def get(self, key: str) -> Entry | None:
        return self.store.entries().get(self._full(key))

    def change(self, item: Any, *, delete: bool = False) -> Change:
        metadata: dict[str, str] = {**(item.get("metadata") or {}), **self.metadata}
        options: dict[str, str] = item.get("options") or {}
        ttl = metadata.get("ttlInSeconds")
        if ttl and not (re.fullmatch(r"[+-]?[0-9]+", ttl) and abs(int(ttl)) < 2**63):
            raise StoreError(500, f"failed to parse ttl: '{ttl}'")
        return Change(
            key=self._full(item["key"]),
            value=None if delete else json.dumps(item.get("value")),
            etag=item.get("etag") or "",
            order=options.get("concurrency"),
            ttl=int(ttl) if ttl else None,
        )

    def _full(self, key: str) -> str:
        if not key or "||" in key:
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
        place = self._place(app, parameter(request, "store"), request)
        try:
            return await run(place, request) or Response(status_code=204)
        except StoreError as error:
            status = 500 if name == "transaction" else error.status
            why = FAILURES[name].format(why=error, **request.path_params)
            raise DaprError(status, f"ERR_STATE_{name.upper()}", why) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            why = f"failed deserializing HTTP body: {error!r}"
            raise DaprError(400, "ERR_MALFORMED_REQUEST", why) from error

    def _place(self, app: App, name: str, request: Request) -> _Place:
        component = app.components.get(name)
        if component is None or not component.type.startswith("state."):
            raise DaprError(400, "ERR_STATE_STORE_NOT_FOUND", f"state store {name} is not found")
        now, uuid = self._sidecar.clock.now, self._sidecar.uuid
        store = self._stores.setdefault((name, component.type), Store(component.type, now, uuid))
        word = component.options.get("keyPrefix", "appid")
        known = {"appid": app.app_id, "namespace": app.app_id, "name": name, "none": ""}
        word = known.get(word, word)
        return _Place(store, f"{word}||" if word else "", metadata_of(request))

    async def _get(self, place: _Place, request: Request) -> Response | None:
        if (entry := place.get(parameter(request, "key"))) is None:
            return None
        return Response(entry.value, 200, {"etag": entry.etag}, "application/json")

    async def _bulk_get(self, place: _Place, request: Request) -> Response:
        found = [(key, place.get(key)) for key in (await _read(request)).get("keys", ())]
        found.sort(key=lambda pair: place.store.type == POSTGRESQL and pair[1] is None)
        hits = {key: {"data": json.loads(e.value), "etag": e.etag} for key, e in found if e}
        return JSONResponse([{"key": key, **hits.get(key, {})} for key, _ in found])

    async def _save(self, place: _Place, request: Request) -> None:
        place.store.apply([place.change(item) for item in await _read(request)])

    async def _delete(self, place: _Place, request: Request) -> None:
        key, etag = parameter(request, "key"), request.headers.get("if-match")
        item = {"key": key, "etag": etag, "options": request.query_params}
        place.store.apply([place.change(item, delete=True)])

    async def _transact(self, place: _Place, request: Request) -> None:
        given = await _read(request)
        steps = [(each["operation"], each["request"]) for each in given.get("operations", ())]
        for word in {word for word, _ in steps} - {"upsert", "delete"}:
            why = f"operation type {word} not supported"
            raise DaprError(400, "ERR_NOT_SUPPORTED_STATE_OPERATION", why)
        changes = [place.change(item, delete=word == "delete") for word, item in steps]
        place.store.apply(changes, atomic=True)

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


async def _read(request: Request) -> Any:
    return decoded(await request.body(), number)


block = State
