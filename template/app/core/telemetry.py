"""Who asked, as part of what: request ids and W3C trace context."""

import re
import secrets
from contextvars import ContextVar

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_TRACEPARENT = re.compile(
    r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})"
)
_trace: ContextVar[tuple[str, str] | None] = ContextVar("trace", default=None)


def continue_trace(header: object) -> str:
    """Join the trace of a `traceparent` header, or begin one; return its id."""
    match = _TRACEPARENT.match(header) if isinstance(header, str) else None
    trace_id, flags = match.groups() if match else (secrets.token_hex(16), "01")
    _trace.set((trace_id, flags))
    return trace_id


def traceparent() -> str:
    """Return the `traceparent` of an outgoing call: a new span of the current trace."""
    trace_id, flags = _trace.get() or (secrets.token_hex(16), "01")
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"
