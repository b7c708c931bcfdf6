"""Items: create, read, replace, delete.

An item's `ETag` is its revision, so it is the same with every state store. There is no list: Dapr
can't list keys, and an index would be one entry for which all writes contend.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Response

from app.core.errors import NotFoundError, ServiceError
from app.core.key import Key
from app.core.resources import resource
from app.domain import items
from app.models.item import Item, NewItem
from app.services.state import StateStore

router = APIRouter(prefix="/items", tags=["items"])

Store = Annotated[StateStore, Depends(resource(StateStore))]
IfMatch = Annotated[str | None, Header()]


class RevisionRequiredError(ServiceError):
    """A change says nothing of what it changes: it could undo somebody else's."""

    status = 428
    code = "revision-required"
    title = "The header If-Match is required"


class StaleRevisionError(ServiceError):
    """The item was changed since the client read it."""

    status = 412
    code = "stale-revision"
    title = "The item was changed meanwhile"


@router.post("", status_code=201)
async def create(new: NewItem, store: Store, response: Response) -> Item:
    """Create an item; `Location` says where it is."""
    item = items.create(new, str(uuid4()), datetime.now(UTC))
    await store.save(_key(item.id), item)
    response.headers["Location"] = f"/items/{item.id}"
    response.headers["ETag"] = _etag(item)
    return item


@router.get("/{item_id}")
async def read(item_id: str, store: Store, response: Response) -> Item:
    """Read an item."""
    item = _existing(await store.get(_key(item_id), Item), item_id)
    response.headers["ETag"] = _etag(item)
    return item


@router.put("/{item_id}")
async def replace(
    item_id: str, new: NewItem, store: Store, response: Response, if_match: IfMatch = None
) -> Item:
    """Replace an item; `If-Match` must be the `ETag` that was read, or `*`."""
    if if_match is None:
        raise RevisionRequiredError("Send the item's ETag, as it was read, in If-Match.")

    def replaced(item: Item | None) -> Item:
        current = _matching(_existing(item, item_id), if_match)
        return items.replace(current, new, datetime.now(UTC))

    item = await store.update(_key(item_id), Item, replaced)
    response.headers["ETag"] = _etag(item)
    return item


@router.delete("/{item_id}", status_code=204)
async def delete(item_id: str, store: Store, if_match: IfMatch = None) -> None:
    """Delete an item; with `If-Match` only as it was read."""
    entry = await store.entry(_key(item_id), Item)
    _matching(_existing(entry.value, item_id), if_match or "*")
    await store.delete(_key(item_id), entry.etag)


def _key(item_id: str) -> Key:
    return Key.of("item", item_id)


def _etag(item: Item) -> str:
    return f'"{item.revision}"'


def _existing(item: Item | None, item_id: str) -> Item:
    if item is None:
        raise NotFoundError("item", item_id)
    return item


def _matching(item: Item, if_match: str) -> Item:
    wanted = {tag.strip() for tag in if_match.split(",")}
    if not wanted & {"*", _etag(item)}:
        raise StaleRevisionError("Read the item again, then repeat the change.")
    return item
