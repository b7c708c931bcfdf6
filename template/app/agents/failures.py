"""What the errors of the client mean: which may be tried again, and what is raised of others."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
import structlog
from openai import APIStatusError, APITimeoutError, OpenAIError

from app.agents.errors import (
    ModelBrokenError,
    ModelDeadlineError,
    ModelRefusedError,
    ModelUnavailableError,
)

log = structlog.get_logger("app.agent")

PASSING = {408, 409, 429}
"""Statuses that may pass; 5xx are others."""
LASTING = {"insufficient_quota", "billing_hard_limit_reached"}
"""Codes of a 429 that waiting does not help."""
WORD = re.compile(r"[a-z0-9_.-]{1,64}")
"""What is logged of a refusal; its message can hold the key, or what was asked."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 8.0  # seconds; doubles at each try
LATE = (TimeoutError, APITimeoutError, httpx2.TimeoutException)
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
DISCONNECTED = "disconnected"

T = TypeVar("T")


class PassingError(ModelUnavailableError):
    """Nothing was answered, and nothing is paid: it may be tried again."""

    def __init__(self, detail: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(detail, retry_after)
        self.reason = reason

    def wait(self, attempt: int) -> float:
        """Return how many seconds to wait: as the server says, else longer each time."""
        if self.retry_after is not None:
            return self.retry_after
        if self.reason == DISCONNECTED:
            return 0.0
        return min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.75, 1)


async def within(deadline: float, action: Callable[[], Awaitable[T]]) -> T:
    """Await an action of the client: the one place where its errors become ours.

    `from None`: the client's messages can hold the key or what was asked.
    """
    try:
        async with asyncio.timeout_at(deadline):
            return await action()
    except APIStatusError as error:
        raise _of_status(error) from None
    except (TimeoutError, httpx2.HTTPError, OpenAIError) as error:
        if isinstance(error.__cause__, NOT_SENT):
            raise PassingError("The model's server can't be reached.", "unreachable") from None
        raise (ModelDeadlineError() if isinstance(error, LATE) else ModelBrokenError()) from None


def wants_other_name(error: APIStatusError) -> bool:
    """Whether a newer model refuses the limit of tokens for its older name."""
    told = error.status_code, error.code, error.param
    return told == (400, "unsupported_parameter", "max_tokens")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the server wants to be left alone; None where it says nothing."""
    given = headers.get("retry-after", "")
    milliseconds = _number(headers.get("retry-after-ms", ""))
    for wait in (milliseconds and milliseconds / 1000, _number(given), _until(given)):
        if wait is not None and 0 <= wait < float("inf"):
            return wait
    return None


def _of_status(error: APIStatusError) -> ModelUnavailableError | ModelRefusedError:
    status = error.status_code
    detail = f"The model's server answered {status}."
    lasting = status == 429 and error.code in LASTING
    if (status in PASSING or status >= 500) and not lasting:
        return PassingError(detail, str(status), retry_after(error.response.headers))
    about = {"code": error.code, "param": error.param, "type": error.type}
    words = {name: text for name, text in about.items() if text and WORD.fullmatch(str(text))}
    log.warning("agent.refused", status=status, **words)
    return ModelRefusedError(f"{detail[:-1]}: the quota is used up." if lasting else detail)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _until(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
