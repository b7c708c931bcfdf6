"""The life of an item: created, replaced, each change a revision."""

from datetime import datetime

from app.models.item import Item, NewItem


def create(new: NewItem, item_id: str, now: datetime) -> Item:
    """Return the first revision of an item."""
    return Item(**new.model_dump(), id=item_id, revision=1, created_at=now, updated_at=now)


def replace(item: Item, new: NewItem, now: datetime) -> Item:
    """Return the next revision: what the client says is all new, the rest stays."""
    return Item(
        **new.model_dump(),
        id=item.id,
        revision=item.revision + 1,
        created_at=item.created_at,
        updated_at=now,
    )
