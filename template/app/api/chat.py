"""Conversations with the agent.

A conversation is named by `context.session_id`; without it a new one begins, and the answer's
metadata says its name. It belongs to the student who began it. Where the store is down, the chat
fails: an agent that has forgotten all would answer beside the point.
"""

import time
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends

from app.agents.client import Agent, Message
from app.agents.history import History
from app.contracts.requests import AgentRequest, AgentResponse
from app.core.errors import NotFoundError
from app.core.resources import resource
from app.models.chat import Conversation

router = APIRouter(tags=["chat"])

Conversations = Annotated[History, Depends(resource(History))]


@router.post("/chat")
async def chat(
    request: AgentRequest,
    agent: Annotated[Agent, Depends(resource(Agent))],
    history: Conversations,
) -> AgentResponse:
    """Say something and get an answer."""
    started = time.perf_counter()
    session_id = (request.context.session_id if request.context else None) or str(uuid4())
    said = await history.read(session_id)
    if said and said.user_id != request.student_id:
        raise NotFoundError("conversation", session_id)
    before = (
        [Message(role=turn.role, content=turn.content) for turn in said.messages] if said else []
    )
    reply = await agent.chat([*before, Message(role="user", content=request.query)])
    await history.add(session_id, request.student_id, request.query, reply.content)
    return AgentResponse(
        response_id=str(uuid4()),
        agent_type="chat",
        student_id=request.student_id,
        content=reply.content,
        metadata={"session_id": session_id, "messages_remembered": len(before)},
        token_efficiency=reply.token_efficiency,
        processing_time_ms=(time.perf_counter() - started) * 1000,
    )


@router.get("/conversations/{session_id}")
async def read(session_id: str, history: Conversations) -> Conversation:
    """Read a conversation."""
    said = await history.read(session_id)
    if said is None:
        raise NotFoundError("conversation", session_id)
    return Conversation.model_validate(said, from_attributes=True)


@router.delete("/conversations/{session_id}", status_code=204)
async def delete(session_id: str, history: Conversations) -> None:
    """Forget a conversation; one that is not there is forgotten already."""
    await history.delete(session_id)
