"""Items, as they come in and as they are kept: put your own fields here."""

from datetime import datetime

from pydantic import BaseModel, Field


class NewItem(BaseModel):
    """What a client says of an item."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=10_000)


class Item(NewItem):
    """An item as it is kept."""

    id: str
    revision: int
    """Counts the changes, from 1; its `ETag` over HTTP."""
    created_at: datetime
    updated_at: datetime
