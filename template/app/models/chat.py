"""Conversations as clients see them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel


class Said(BaseModel):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class Conversation(BaseModel):
    """What was said in a session, oldest first; the system prompt is not shown."""

    session_id: str
    user_id: str
    messages: list[Said]
    created_at: datetime
    updated_at: datetime


class Ticket(BaseModel):
    """A question that waits for who reads its answer."""

    stream: str
    """Where: for an EventSource, once, within a minute."""
