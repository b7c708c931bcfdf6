"""Tickets: a request that is sent now and answered under another URL, once.

A browser's EventSource can only GET. What is asked stays out of URLs, which are logged, and what
costs money is no GET, which is repeated.
"""

from secrets import token_urlsafe
from typing import TypeVar

from pydantic import BaseModel

from app.core.errors import NotFoundError
from app.core.key import Key
from app.services.state import StateStore

SECONDS = 60
"""How long a ticket can be used."""

M = TypeVar("M", bound=BaseModel)


class _Ticket(BaseModel):
    request: str
    """As JSON."""
    used: bool = False


class Tickets:
    """Requests that wait for who asks for their answers."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    async def issue(self, request: BaseModel) -> str:
        """Keep a request, and return the name of its ticket, which can't be guessed."""
        name = token_urlsafe(16)
        await self._store.save(_key(name), _Ticket(request=request.model_dump_json()))
        return name

    async def take(self, name: str, kind: type[M]) -> M:
        """Return the request of a ticket, once.

        Raises:
            NotFoundError: there is none of that name, it was used, or it is too old.
        """

        def taken(ticket: _Ticket | None) -> _Ticket:
            if ticket is None or ticket.used:
                raise NotFoundError("ticket", name)
            return _Ticket(request=ticket.request, used=True)

        ticket = await self._store.update(_key(name), _Ticket, taken)
        return kind.model_validate_json(ticket.request)


def _key(name: str) -> Key:
    return Key.of("ticket", name, ttl=SECONDS)
