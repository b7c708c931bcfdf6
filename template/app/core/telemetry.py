"""Structured logs, and what ties them together: request ids and W3C trace context."""

import logging
import re
import secrets
import sys
from contextvars import ContextVar
from typing import Any, cast

import structlog
from structlog import contextvars, dev, processors, stdlib
from structlog.stdlib import ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from app.core.config import Settings

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
DEADLINE = "x-envoy-expected-rq-timeout-ms"  # for how long the caller waits
deadline: ContextVar[float | None] = ContextVar("deadline", default=None)  # by time.monotonic()

_PARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_trace: ContextVar[tuple[str, str] | None] = ContextVar("trace", default=None)


def continue_trace(header: object) -> str:
    """Join the trace of a `traceparent` header, or begin one; return its id."""
    match = _PARENT.match(header) if isinstance(header, str) else None
    trace_id, flags = match.groups() if match else (secrets.token_hex(16), "01")
    _trace.set((trace_id, flags))
    return trace_id


def traceparent() -> str:
    """Return the `traceparent` of an outgoing call: a new span of the current trace."""
    trace_id, flags = _trace.get() or (secrets.token_hex(16), "01")
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"


def configure_logging(settings: Settings) -> None:
    """Send the logs of the service and of its libraries to stdout in one format."""
    pretty = {"auto": sys.stdout.isatty(), "pretty": True, "json": False}[settings.log_format]
    shared: list[Processor] = [
        contextvars.merge_contextvars,
        stdlib.add_log_level,
        stdlib.add_logger_name,
        processors.TimeStamper(fmt="iso", utc=True),
    ]
    shown: list[Processor] = [dev.ConsoleRenderer(exception_formatter=dev.plain_traceback)]
    if not pretty:
        frames = ExceptionDictTransformer(show_locals=False)  # locals hold tokens and bodies
        shown = [processors.ExceptionRenderer(frames), processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        [stdlib.filter_by_level, *shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    cast("Any", sys.stdout).reconfigure(errors="backslashreplace")  # half a surrogate costs no line
    handler = logging.StreamHandler(sys.stdout)
    shown.insert(0, ProcessorFormatter.remove_processors_meta)
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=shared, processors=shown))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
