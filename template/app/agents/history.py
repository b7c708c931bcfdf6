"""Conversations: what was said before, kept in the state store."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.agents.client import Message
from app.core.declaration.agent import AgentConfig
from app.core.key import Key
from app.services.state import StateStore

DAY = 24 * 3600
"""Conversations live 24 hours after the last turn (spec section 5)."""


class Turn(BaseModel):
    """One message that was said."""

    role: Literal["user", "assistant"]
    content: str


class ConversationState(BaseModel):
    """The conversation of one session (seed 000)."""

    session_id: str
    user_id: str
    messages: list[Turn] = Field(default_factory=list[Turn])
    system_prompt: str
    created_at: datetime
    updated_at: datetime


class History:
    """The conversations of the service."""

    def __init__(self, store: StateStore, config: AgentConfig) -> None:
        self._store = store
        self._pattern = config.context_key
        self._limit = config.max_history
        self._system_prompt = config.system_prompt_template

    async def read(self, session_id: str) -> ConversationState | None:
        """Return the conversation, or None where there is none (any more)."""
        return await self._store.get(self._key(session_id), ConversationState)

    async def messages(self, session_id: str) -> list[Message]:
        """Return what was said, oldest first, as the model takes it."""
        state = await self.read(session_id)
        turns = state.messages if state else []
        return [Message(role=turn.role, content=turn.content) for turn in turns]

    async def add(self, session_id: str, user_id: str, question: str, answer: str) -> None:
        """Add one question and its answer; the oldest turns beyond `max_history` messages go.

        Raises:
            ConflictError: other replicas answered the same session three times meanwhile.
        """
        turn = [Turn(role="user", content=question), Turn(role="assistant", content=answer)]

        def added(state: ConversationState | None) -> ConversationState:
            now = datetime.now(UTC)
            said = [*(state.messages if state else []), *turn]
            kept = self._limit - self._limit % 2  # whole turns
            return ConversationState(
                session_id=session_id,
                user_id=user_id,
                messages=said[-max(kept, 2) :],
                system_prompt=self._system_prompt,
                created_at=state.created_at if state else now,
                updated_at=now,
            )

        await self._store.update(self._key(session_id), ConversationState, added)

    async def delete(self, session_id: str) -> None:
        """Forget the conversation."""
        await self._store.delete(self._key(session_id))

    def _key(self, session_id: str) -> Key:
        encoded = Key.of(session_id).text
        return Key(self._pattern.replace("{session_id}", encoded), DAY)
