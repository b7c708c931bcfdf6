"""Structured logs: an event and its key=value pairs, one JSON object a line."""

import logging
import sys

import structlog
from structlog import contextvars, dev, processors, stdlib
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from app.core.config import Settings


def configure_logging(settings: Settings) -> None:
    """Send the logs of the service and of its libraries to stdout in one format."""
    auto = "pretty" if sys.stdout.isatty() else "json"
    pretty = (auto if settings.log_format == "auto" else settings.log_format) == "pretty"
    shared: list[Processor] = [
        contextvars.merge_contextvars,
        stdlib.add_log_level,
        stdlib.add_logger_name,
        processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Processor] = [dev.ConsoleRenderer()]
    if not pretty:
        renderer = [processors.dict_tracebacks, processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        [stdlib.filter_by_level, *shared, ProcessorFormatter.wrap_for_formatter],
        logger_factory=stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    last = [ProcessorFormatter.remove_processors_meta, *renderer]
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
