"""The one HTTP client to the Dapr sidecar: pooled, with token, trace context and deadline."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from prometheus_client import Counter, Histogram
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import DeadlineError, UnavailableError, UpstreamError
from app.core.telemetry import traceparent

log = structlog.get_logger("app.sidecar")

OPERATIONS = Counter("sidecar_operations_total", "Calls to the sidecar.", ["operation", "outcome"])
SECONDS = Histogram("sidecar_operation_seconds", "Time of a call, in seconds.", ["operation"])


class SidecarSettings(BaseSettings):
    """Where the sidecar is. Dapr's injector and `dapr run` set the port."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    dapr_http_port: int = Field(
        default=3500, ge=1, le=65535, description="HTTP port of the sidecar on this host."
    )
    dapr_api_token: SecretStr | None = Field(
        default=None, description="Token that the sidecar asks for."
    )
    dapr_timeout_seconds: float = Field(
        default=10.0, gt=0, description="Longest time for one call to the sidecar."
    )
    dapr_start_seconds: float = Field(
        default=5.0, ge=0, description="How long the start waits for the sidecar."
    )


class SidecarUnavailableError(UnavailableError):
    """The sidecar can't be reached: the call was not sent or its fate is unknown."""

    code = "sidecar-unavailable"
    title = "The Dapr sidecar can't be reached"


class SidecarError(UpstreamError):
    """The sidecar answered with an error of its own: `answered` and `error_code` say which."""

    code = "sidecar-error"
    title = "The Dapr sidecar answered with an error"

    def __init__(self, operation: str, answer: "Answer") -> None:
        body = answer.problem()
        self.answered = answer.status
        self.error_code = str(body.get("errorCode", ""))
        self.message = str(body.get("message", ""))
        super().__init__(f"{operation} failed with {answer.status} {self.error_code}".rstrip())


@dataclass(frozen=True)
class Answer:
    """What came back from the sidecar."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)

    def problem(self) -> dict[str, Any]:
        """Return the fields of an error body; empty where it has none."""
        try:
            body = self.json()
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


class Sidecar:
    """Calls to `http://127.0.0.1:{DAPR_HTTP_PORT}`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SidecarSettings) -> AsyncIterator["Sidecar"]:
        """Open the connection pool and close it at the end."""
        token = settings.dapr_api_token
        async with aiohttp.ClientSession(
            base_url=f"http://127.0.0.1:{settings.dapr_http_port}",
            headers={"dapr-api-token": token.get_secret_value()} if token else None,
            timeout=aiohttp.ClientTimeout(total=settings.dapr_timeout_seconds),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as session:
            yield cls(session)

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Send one request; any status is an answer. `operation` names it in metrics and errors.

        Raises:
            SidecarUnavailableError: no connection, or it broke.
            DeadlineError: no answer within `seconds` (default: DAPR_TIMEOUT_SECONDS).
        """
        started, outcome = time.perf_counter(), "error"
        try:
            async with self._session.request(
                method,
                path,
                params=params,
                data=body,
                headers={"traceparent": traceparent(), **(headers or {})},
                timeout=aiohttp.ClientTimeout(total=seconds) if seconds else None,
                allow_redirects=False,
            ) as response:
                answer = Answer(response.status, response.headers, await response.read())
                outcome = str(answer.status)
                return answer
        except TimeoutError as error:
            outcome = "timeout"
            raise DeadlineError(f"{operation} got no answer in time.") from error
        except aiohttp.ClientError as error:
            outcome = "unavailable"
            raise SidecarUnavailableError(f"{operation}: {type(error).__name__}") from error
        finally:
            OPERATIONS.labels(operation, outcome).inc()
            SECONDS.labels(operation).observe(time.perf_counter() - started)

    async def healthy(self) -> None:
        """Return when the sidecar's components are loaded.

        Raises:
            UnavailableError: it does not say so.
        """
        answer = await self.call("health", "GET", "/v1.0/healthz/outbound", seconds=2)
        if answer.status != 204:
            raise UnavailableError(f"The sidecar's outbound health is {answer.status}.")

    async def wait(self, seconds: float) -> None:
        """Wait until the sidecar is healthy, `seconds` at most; say so, then go on either way.

        The service starts without it and `/ready` tells: one that comes late is no reason to end.
        """
        deadline = time.monotonic() + seconds
        said = False
        while True:
            try:
                await self.healthy()
                return
            except (UnavailableError, DeadlineError) as error:
                if time.monotonic() >= deadline:
                    log.warning("sidecar.absent", waited_seconds=seconds, reason=error.detail)
                    return
                if not said:
                    log.info("sidecar.awaited", seconds=seconds, reason=error.detail)
                    said = True
                await asyncio.sleep(0.1)
