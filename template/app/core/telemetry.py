"""Who asked, as part of what: request ids, W3C trace context, and the request metrics."""

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram("http_request_seconds", "Time to answer, in seconds.", ["method", "route"])


@dataclass(frozen=True)
class TraceContext:
    """A position in a trace, as the `traceparent` header carries it."""

    trace_id: str
    span_id: str
    flags: str = "01"

    @classmethod
    def parse(cls, header: str | None) -> "TraceContext | None":
        """Read a `traceparent` header; None where it is missing or not valid."""
        match = _TRACEPARENT.fullmatch(header or "")
        if not match or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
            return None
        return cls(match[1], match[2], match[3])

    @classmethod
    def start(cls) -> "TraceContext":
        """Begin a new trace."""
        return cls(secrets.token_hex(16), secrets.token_hex(8))

    def child(self) -> "TraceContext":
        """Return a new span of the same trace."""
        return TraceContext(self.trace_id, secrets.token_hex(8), self.flags)

    @property
    def header(self) -> str:
        """The value of the `traceparent` header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


_current: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)


def continue_trace(header: str | None) -> TraceContext:
    """Enter a span of the caller's trace, or of a new one, for the rest of this context."""
    parent = TraceContext.parse(header)
    span = parent.child() if parent else TraceContext.start()
    _current.set(span)
    return span


def traceparent() -> str:
    """Return the header to send along with an outgoing call."""
    return (_current.get() or TraceContext.start()).header
