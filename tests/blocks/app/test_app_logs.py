"""Logs: one JSON object a line, tied to the request, without what nobody may read."""

import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import pytest
import structlog

from app.core.config import Settings
from app.core.telemetry import configure_logging


@contextmanager
def logged(log_format: Literal["json", "pretty"] = "json") -> Generator[None]:
    """Log as the service does, and as before afterwards. No fixture: stdout is another then."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(Settings(log_format=log_format))
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_what_is_no_unicode_is_logged_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """The line would else be lost, whatever it tells of."""
    with logged():
        structlog.get_logger("test").critical("test.failed", reason="half a surrogate: \ud800")
    assert json.loads(capsys.readouterr().out)["reason"] == "half a surrogate: \ud800"


def test_a_failure_shows_where_it_was_and_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    """Local values hold tokens and what students wrote."""
    token = "TOP" + "SECRET"
    with logged():
        try:
            raise LookupError(len(token))
        except LookupError:
            structlog.get_logger("test").exception("test.failed", topic="é")
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["event"], told["topic"], told["level"]) == ("test.failed", "é", "error")
    assert told["exception"][0]["exc_type"] == "LookupError"
    assert token not in line


def test_in_a_terminal_it_is_a_plain_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """Python's own, drawn at once; one with all values takes a second, and hides the end."""
    token = "TOP" + "SECRET"
    with logged("pretty"):
        try:
            raise LookupError(len(token))
        except LookupError:
            structlog.get_logger("test").exception("test.failed")
    _, first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "Traceback (most recent call last):"
    assert last == "LookupError: 9"
