"""Conversations as clients see them."""

from pydantic import BaseModel, Field

from app.agents.history import ConversationState


class Conversation(ConversationState):
    """What was said in a session, oldest first; the system prompt is not shown."""

    system_prompt: str = Field(exclude=True)


class Ticket(BaseModel):
    """A question that waits, and where its answer is read: by an EventSource, once."""

    stream: str
