"""Conversations with the agent.

A conversation is named by `context.session_id`; without it a new one begins, and the answer's
metadata says its name. It belongs to the student who began it. Where it can't be read, the chat
fails before anything is paid: an agent that has forgotten all would answer beside the point. An
answer that can't be remembered is given all the same, and its metadata says so.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, Any
from uuid import uuid4

import structlog
from fastapi import APIRouter, Depends, Query

from app.agents.client import Agent
from app.agents.history import History
from app.agents.reply import Message, Reply
from app.agents.sse import Event, EventStream
from app.agents.tickets import Tickets
from app.contracts.requests import AgentRequest, AgentResponse
from app.core.errors import NotFoundError, ServiceError
from app.core.resources import resource
from app.models.chat import Conversation, Ticket

log = structlog.get_logger("app.chat")

router = APIRouter(tags=["chat"])

Chatter = Annotated[Agent, Depends(resource(Agent))]
Waiting = Annotated[Tickets, Depends(resource(Tickets))]
Conversations = Annotated[History, Depends(resource(History))]
Student = Annotated[str | None, Query(alias="student_id", description="Whose it must be.")]
EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}


class Exchange:
    """A question in its conversation."""

    def __init__(self, request: AgentRequest, agent: Agent, history: History) -> None:
        self._started = time.perf_counter()
        self._request = request
        self._agent = agent
        self._history = history
        said = request.context.session_id if request.context else None
        self._session_id = said or str(uuid4())
        self._before: list[Message] = []

    async def answer(self) -> AgentResponse:
        """Answer at once."""
        reply = await self._agent.chat(await self._said(), user=self._request.student_id)
        return await self._response(reply)

    async def events(self) -> AsyncGenerator[Event]:
        """Answer piece by piece: `start`, `delta` as often as it takes, `done` or `error`."""
        parts = self._agent.stream(await self._said(), user=self._request.student_id)
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, Reply):
                    response = await self._response(part)
                    yield Event("done", response.model_dump(mode="json"))
                elif part:
                    yield Event("delta", {"content": part})
                else:
                    yield Event("start", {"session_id": self._session_id})

    async def _said(self) -> list[Message]:
        asked = self._request
        self._before = await self._history.messages(self._session_id, asked.student_id)
        return [*self._before, Message(role="user", content=asked.query)]

    async def _response(self, reply: Reply[str]) -> AgentResponse:
        student = self._request.student_id
        try:
            await self._history.add(self._session_id, student, self._request.query, reply.content)
            remembered = True
        except ServiceError as error:
            log.warning("chat.not_remembered", session_id=self._session_id, reason=error.detail)
            remembered = False
        return AgentResponse(
            response_id=str(uuid4()),
            agent_type="chat",
            student_id=student,
            content=reply.content,
            metadata={
                "session_id": self._session_id,
                "messages_remembered": len(self._before),
                "remembered": remembered,
                "model": reply.model,
                "finish_reason": reply.finish_reason,
                "usage": asdict(reply.usage),
                "cost_dollars": reply.cost,
            },
            token_efficiency=reply.token_efficiency,
            processing_time_ms=(time.perf_counter() - self._started) * 1000,
        )


@router.post("/chat")
async def chat(request: AgentRequest, agent: Chatter, history: Conversations) -> AgentResponse:
    """Say something and get an answer."""
    return await Exchange(request, agent, history).answer()


@router.post("/chat/stream", response_class=EventStream, responses=EVENTS)
async def stream(request: AgentRequest, agent: Chatter, history: Conversations) -> EventStream:
    """Say something and get an answer as it comes; the data of `done` is what `/chat` answers."""
    return EventStream(Exchange(request, agent, history).events())


@router.post("/chat/tickets", status_code=201)
async def ticket(request: AgentRequest, tickets: Waiting) -> Ticket:
    """Say something now, and read the answer from `stream`, once, within a minute."""
    return Ticket(stream=f"/chat/stream?ticket={await tickets.issue(request)}")


@router.get("/chat/stream", response_class=EventStream, responses=EVENTS)
async def ticket_stream(
    ticket: str, agent: Chatter, history: Conversations, tickets: Waiting
) -> EventStream:
    """Get the answer as a browser's EventSource can: one that connects again is told 404."""
    request = await tickets.take(ticket, AgentRequest)
    return EventStream(Exchange(request, agent, history).events())


@router.get("/conversations/{session_id}")
async def read(session_id: str, history: Conversations, student_id: Student = None) -> Conversation:
    """Read a conversation; with a student, only if it is theirs."""
    said = await history.read(session_id, student_id)
    if said is None:
        raise NotFoundError("conversation", session_id)
    return Conversation.model_validate(said, from_attributes=True)


@router.delete("/conversations/{session_id}", status_code=204)
async def delete(session_id: str, history: Conversations, student_id: Student = None) -> None:
    """Forget a conversation; one that is not there is forgotten already."""
    await history.delete(session_id, student_id)
