"""Requests for help with an error."""

from app.contracts.debug import ErrorRequestEvent
from app.services.pubsub import on
from app.usecases.debug import DebuggerDep


@on("code.error-request")
async def asked(event: ErrorRequestEvent, debugger: DebuggerDep) -> None:
    """Give the student the next hint."""
    await debugger.respond(event)
