"""The one HTTP client to the Dapr sidecar: pooled, with token, trace context and deadline."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import structlog
from prometheus_client import Histogram
from pydantic import Field
from yarl import URL

from app.core.config import Environment, Token
from app.core.errors import DeadlineError, ServiceError, UnavailableError, UpstreamError
from app.core.telemetry import deadline, traceparent

log = structlog.get_logger("app.sidecar")

UNFIT = b"ERR_PUBSUB_CLOUD_EVENTS_SER", b"larger than", b"too large"  # said with 500
SECONDS = Histogram("sidecar_operation_seconds", "Calls to the sidecar.", ["operation", "outcome"])


class SidecarSettings(Environment):
    """Where the sidecar is. Dapr's injector and `dapr run` set the port."""

    dapr_http_port: int = Field(default=3500, ge=1, le=65535, description="Its HTTP port.")
    dapr_api_token: Token | None = Field(default=None, description="The token it asks for.")
    dapr_timeout_seconds: float = Field(default=10.0, gt=0, description="Deadline of a call to it.")
    dapr_start_seconds: float = Field(default=5.0, ge=0, description="The start waits that long.")


class SidecarUnavailableError(UnavailableError):
    """The sidecar can't be reached: the call was not sent, or its fate is unknown."""

    code, title = "sidecar-unavailable", "The Dapr sidecar can't be reached"


class SidecarError(UpstreamError):
    """The sidecar's own error: `answered`, `error_code`, and whether what was sent is `unfit`."""

    code, title = "sidecar-error", "The Dapr sidecar answered with an error"

    def __init__(self, operation: str, answer: "Answer") -> None:
        self.answered, self.error_code = answer.status, str(answer.problem().get("errorCode", ""))
        self.unfit = answer.status == 413 or any(words in answer.body for words in UNFIT)
        self.outage = not (300 <= answer.status < 500 or self.unfit)  # 200: a bulk get, for a key
        super().__init__(f"{operation} failed with {answer.status} {self.error_code}".rstrip())


@dataclass(frozen=True)
class Answer:
    """What came back from the sidecar."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """Return the fields of an error body; empty where it has none."""
        with suppress(ValueError, RecursionError):
            if isinstance(body := json.loads(self.body), dict):
                return cast("dict[str, Any]", body)
        return {}


def until(seconds: float) -> float:
    """Return when that time is over, or the caller's: what comes first, by `time.monotonic`."""
    return min(end := time.monotonic() + seconds, deadline.get() or end)


class Sidecar:
    """Calls to `http://127.0.0.1:{DAPR_HTTP_PORT}`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, seconds: float) -> None:
        self._session, self._url, self._seconds = session, url, seconds

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SidecarSettings) -> AsyncGenerator["Sidecar"]:
        """Open the connection pool and close it at the end."""
        token, url = settings.dapr_api_token, f"http://127.0.0.1:{settings.dapr_http_port}"
        async with aiohttp.ClientSession(
            base_url=url,
            headers={"dapr-api-token": token.get_secret_value()} if token else None,
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            yield cls(session, url, settings.dapr_timeout_seconds)

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Send one request; any status is an answer. `operation` names it in metrics and errors.

        `path` is percent-encoded already. Within `seconds` (default: DAPR_TIMEOUT_SECONDS), or what
        the caller has left, there is an answer, a DeadlineError or a SidecarUnavailableError.
        """
        sent = {"traceparent": traceparent(), "content-type": content_type, **(headers or {})}
        started, outcome = time.perf_counter(), "error"
        left = max(0.001, until(seconds or self._seconds) - time.monotonic())  # 0 is no timeout
        how: dict[str, Any] = {"params": params, "data": body, "headers": sent}
        how |= {"timeout": aiohttp.ClientTimeout(total=left), "allow_redirects": False}
        try:
            async with self._session.request(method, URL(path, encoded=True), **how) as response:
                outcome = str(response.status)
                return Answer(response.status, response.headers, await response.read())
        except TimeoutError as error:
            outcome = "timeout"
            raise DeadlineError(f"{operation} got no answer in time.") from error
        except aiohttp.ClientError as error:
            outcome = "unavailable"
            raise SidecarUnavailableError(f"{operation}: {type(error).__name__}") from error
        finally:
            SECONDS.labels(operation, outcome).observe(time.perf_counter() - started)

    async def healthy(self) -> None:
        """Return when the sidecar's components are loaded, or raise an UnavailableError."""
        try:
            said = (await self.call("health", "GET", "/v1.0/healthz/outbound", seconds=2)).status
        except ServiceError as error:
            said = error.detail
        if said != 204:
            raise UnavailableError(f"The sidecar at {self._url} (DAPR_HTTP_PORT): {said}")

    async def wait(self, seconds: float) -> None:
        """Wait for a healthy sidecar, `seconds` at most, and go on either way: `/ready` tells."""
        log.info("sidecar.awaited", url=self._url, seconds=seconds)
        end, reason = time.monotonic() + seconds, "no time to wait"
        while time.monotonic() < end:
            try:
                return await self.healthy()
            except ServiceError as error:
                reason = error.detail
            await asyncio.sleep(0.1)
        return log.warning("sidecar.absent", url=self._url, reason=reason)
