"""Planted bugs: each takes away one thing that makes an effect happen once, or not get lost."""

import json
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from tests.simulation.code import Code

Plant = Callable[[Code], Any]
"""Returns a context in which a service has the bug."""


class _UnseenError(Exception):
    """The entry does not know the event."""


def no_deduplication(code: Code) -> Any:
    """An event that comes again changes its entry again."""
    store = code.attribute("app.services.state", "StateStore")

    async def once(self: Any, event_id: str, key: Any, kind: Any, change: Any) -> Any:
        return await self.update(key, kind, change)

    return patch.object(store, "once", once)


def effect_before_inbox(code: Code) -> Any:
    """Effect and memory of the event are two writes: who dies in between does it again."""
    store = code.attribute("app.services.state", "StateStore")
    right = store.once

    async def once(self: Any, event_id: str, key: Any, kind: Any, change: Any) -> Any:
        def ask(_: Any) -> Any:
            raise _UnseenError

        def unchanged(kept: Any) -> Any:
            return kept

        try:
            return await right(self, event_id, key, kind, ask)
        except _UnseenError:
            await self.update(key, kind, change)
            return await right(self, event_id, key, kind, unchanged)

    return patch.object(store, "once", once)


def retry_without_etag(code: Code) -> Any:
    """A save that met a conflict is sent again without its guard: what came between is lost."""
    sidecar = code.attribute("app.services.sidecar", "Sidecar")
    right = sidecar.call

    async def call(self: Any, operation: str, method: str, path: str, **more: Any) -> Any:
        answer = await right(self, operation, method, path, **more)
        if operation == "state.save" and answer.status == 409:
            items: list[dict[str, Any]] = json.loads(more["body"])
            for item in items:
                item.pop("etag", None)
                item.pop("options", None)
            more["body"] = json.dumps(items).encode()
            answer = await right(self, operation, method, path, **more)
        return answer

    return patch.object(sidecar, "call", call)


def no_dead_letter(code: Code) -> Any:
    """An event that is given up is acknowledged, and its dead letter never published."""
    publisher = code.attribute("app.services.publisher", "Publisher")
    right = publisher.publish

    async def publish(self: Any, topic: str, event: Any) -> None:
        if topic != "dead-letter.queue":
            await right(self, topic, event)

    return patch.object(publisher, "publish", publish)


BUGS: dict[str, Plant] = {
    bug.__name__: bug
    for bug in (no_deduplication, effect_before_inbox, retry_without_etag, no_dead_letter)
}


@contextmanager
def planted(bug: str | None, codes: dict[str, Code]) -> Generator[None]:
    """Let all services have a bug."""
    with ExitStack() as stack:
        for code in codes.values() if bug else ():
            stack.enter_context(BUGS[bug or ""](code))
        yield
