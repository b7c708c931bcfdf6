"""Conversations: what was said before, kept in the state store."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.agents.reply import Message
from app.agents.turns import Turns
from app.agents.usage import estimate
from app.core.declaration.agent import AgentConfig
from app.core.errors import NotFoundError
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
    """The conversations of the service; each belongs to the user who began it."""

    def __init__(self, store: StateStore, config: AgentConfig, tokens: int) -> None:
        self._store = store
        self._turns = Turns(store)
        self._pattern = config.context_key
        self._limit = config.max_history
        self._tokens = tokens
        self._system_prompt = config.system_prompt_template

    async def read(self, session_id: str, user_id: str | None = None) -> ConversationState | None:
        """Return the conversation, or None where there is none (any more).

        Raises:
            NotFoundError: a user is given, and it is not theirs.
        """
        state = await self._store.get(self._key(session_id), ConversationState)
        if state and user_id and state.user_id != user_id:
            raise NotFoundError("conversation", session_id)
        return state

    async def messages(self, session_id: str, user_id: str | None = None) -> list[Message]:
        """Return what was said, oldest first, as the model takes it. Errors are those of `read`."""
        state = await self.read(session_id, user_id)
        turns = state.messages if state else []
        return [Message(role=turn.role, content=turn.content) for turn in turns]

    async def add(self, session_id: str, user_id: str, question: str, answer: str) -> None:
        """Add one question and its answer; the oldest turns beyond the limits go.

        Raises:
            ConflictError: other replicas answered the same session, time and again.
            NotFoundError: somebody else began a session of that name meanwhile.
        """
        turn = [Turn(role="user", content=question), Turn(role="assistant", content=answer)]

        def added(state: ConversationState | None) -> ConversationState:
            if state and state.user_id != user_id:
                raise NotFoundError("conversation", session_id)
            now = datetime.now(UTC)
            messages = [*(state.messages if state else []), *turn]
            return ConversationState(
                session_id=session_id,
                user_id=user_id,
                messages=kept(messages, self._limit, self._tokens),
                system_prompt=self._system_prompt,
                created_at=state.created_at if state else now,
                updated_at=now,
            )

        await self._turns.update(self._key(session_id), ConversationState, added)

    async def delete(self, session_id: str, user_id: str | None = None) -> None:
        """Forget the conversation. Errors are those of `read`."""
        await self.read(session_id, user_id)
        await self._store.delete(self._key(session_id))

    def _key(self, session_id: str) -> Key:
        encoded = Key.of(session_id).text
        return Key(self._pattern.replace("{session_id}", encoded), DAY)


def kept(messages: Sequence[Turn], limit: int, tokens: int) -> list[Turn]:
    """Return the newest messages within both limits: whole turns, and always the last one."""
    start = len(messages) - 2
    left = tokens - sum(estimate(message.content) for message in messages[start:])
    while start >= 2 and len(messages) - start + 2 <= limit:
        left -= sum(estimate(message.content) for message in messages[start - 2 : start])
        if left < 0:
            break
        start -= 2
    return list(messages[start:])
