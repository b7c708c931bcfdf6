"""Conversations with the agent, named by `context.session_id`; without it a new one begins.

A conversation is its student's. Where it can't be read, nothing is asked and paid: the answer would
be beside the point. One that can't be remembered is given all the same; its metadata says so.
"""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated
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
Memory = Annotated[History, Depends(resource(History))]
Student = Annotated[str | None, Query(alias="student_id", description="Whose it must be.")]


class Exchange:
    """A question in its conversation."""

    def __init__(self, request: AgentRequest, agent: Chatter, history: Memory) -> None:
        self._started = time.perf_counter()
        self._student_id, self._query = request.student_id, request.query
        self._agent, self._history = agent, history
        self._session_id = (request.context and request.context.session_id) or str(uuid4())
        self._before: list[Message] = []

    async def answer(self) -> AgentResponse:
        """Answer at once."""
        said, whose = await self._said(), self._student_id
        reply = await self._agent.chat(said, user=whose, session=self._session_id)
        return await self._response(reply)

    async def events(self) -> AsyncGenerator[Event]:
        """Answer piece by piece: `start`, `delta` as often as it takes, `done` or `error`."""
        said, whose = await self._said(), self._student_id
        parts = self._agent.stream(said, user=whose, session=self._session_id)
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, Reply):
                    yield Event("done", (await self._response(part)).model_dump(mode="json"))
                elif part:
                    yield Event("delta", {"content": part})
                else:
                    yield Event("start", {"session_id": self._session_id})

    async def _said(self) -> list[Message]:
        self._before = await self._history.messages(self._session_id, self._student_id)
        return [*self._before, Message(role="user", content=self._query)]

    async def _response(self, reply: Reply[str]) -> AgentResponse:
        remembered = True
        try:
            await self._history.add(self._session_id, self._student_id, self._query, reply.content)
        except ServiceError as error:
            log.warning("chat.not_remembered", session_id=self._session_id, reason=error.detail)
            remembered = False
        return AgentResponse(
            response_id=str(uuid4()),
            agent_type="chat",
            student_id=self._student_id,
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
async def chat(exchange: Annotated[Exchange, Depends()]) -> AgentResponse:
    """Say something and get an answer."""
    return await exchange.answer()


@router.post("/chat/stream", response_class=EventStream)
async def stream(exchange: Annotated[Exchange, Depends()]) -> EventStream:
    """Say something and get an answer as it comes; the data of `done` is what `/chat` answers."""
    return EventStream(exchange.events())


@router.post("/chat/tickets", status_code=201)
async def ticket(request: AgentRequest, tickets: Waiting) -> Ticket:
    """Say something now, and read the answer from `stream`, once, within a minute."""
    return Ticket(stream=f"/chat/stream?ticket={await tickets.issue(request)}")


@router.get("/chat/stream", response_class=EventStream)
async def hear(ticket: str, agent: Chatter, history: Memory, tickets: Waiting) -> EventStream:
    """Get the answer as a browser's EventSource can: one that connects again is told 404."""
    request = await tickets.take(ticket, AgentRequest)
    return EventStream(Exchange(request, agent, history).events())


@router.get("/conversations/{session_id:path}")
async def read(session_id: str, history: Memory, student_id: Student = None) -> Conversation:
    """Read a conversation; with a student, only if it is theirs."""
    if said := await history.read(session_id, student_id):
        return Conversation.model_validate(said.model_dump())
    raise NotFoundError("conversation", session_id)


@router.delete("/conversations/{session_id:path}", status_code=204)
async def delete(session_id: str, history: Memory, student_id: Student = None) -> None:
    """Forget a conversation; one that is not there is forgotten already."""
    await history.delete(session_id, student_id)
