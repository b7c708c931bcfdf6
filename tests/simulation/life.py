"""The life of a process: when it ends, none of its tasks takes another step.

A task that is cancelled still runs its `finally` and `except`. One that is killed does not: its
coroutine is abandoned where it stands, between two awaits.
"""

import asyncio
import types
from collections.abc import Awaitable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar
from typing import Any, TypeVar, cast

T = TypeVar("T")

LIFE: ContextVar["Life | None"] = ContextVar("life", default=None)


class Life:
    """One run of a process; `steps` are those that it has left, None is for good."""

    def __init__(self, steps: int | None = None) -> None:
        self.steps = steps
        self.ended = asyncio.Event()
        self.work: list[Coroutine[Any, Any, Any]] = []

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` as a task of this process; tasks that it makes are of it, too."""
        context = Context()
        context.run(LIFE.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def goes_on(self) -> bool:
        """Tell whether there is another step to take; the last one ends the process."""
        if self.steps is not None and not self.ended.is_set():
            self.steps -= 1
            if self.steps <= 0:
                self.end()
        return not self.ended.is_set()

    def end(self) -> None:
        """Kill the process."""
        self.ended.set()

    def bury(self) -> None:
        """Close what was abandoned, at a time when nothing that it does matters any more."""
        for coroutine in self.work:
            for _ in range(20):  # each time until the next thing that it awaits at its end
                with suppress(Exception):
                    coroutine.close()
                    break
        self.work.clear()


def task_of_life(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T] | Generator[Any, None, T],
    **more: Any,
) -> asyncio.Future[T]:
    """Make a task; a loop's task factory."""
    context: Context | None = more.get("context")
    life = context.get(LIFE) if context else LIFE.get()
    coroutine = cast("Coroutine[Any, Any, T]", work)
    return asyncio.Task(_lived(coroutine, life) if life else coroutine, loop=loop, **more)


async def _lived(work: Coroutine[Any, Any, T], life: Life) -> T:
    return await cast("Awaitable[T]", _steps(work, life))


@types.coroutine
def _steps(work: Coroutine[Any, Any, Any], life: Life) -> Generator[Any, Any, Any]:
    life.work.append(work)
    argument: Any = None
    error: BaseException | None = None
    while life.goes_on():
        try:
            awaited: Any = work.throw(error) if error else work.send(argument)
        except StopIteration as done:
            return done.value
        argument = error = None
        try:
            argument = yield awaited
        except BaseException as thrown:  # what the loop throws in, a cancellation for one
            error = thrown
    return None
