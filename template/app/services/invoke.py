"""Service invocation: calls to the declared methods of the declared services."""

import asyncio
import random
import time
from dataclasses import dataclass
from errno import ECONNREFUSED
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.core.declaration.invocation import InvokeConfig
from app.core.errors import DeadlineError, ServiceError, UnavailableError, UpstreamError
from app.core.telemetry import DEADLINE
from app.services.sidecar import Answer, Sidecar, SidecarError, until

M = TypeVar("M", bound=BaseModel)

PASSING = {429, 500, 502, 503, 504}
"""Answers that may be others a moment later; 500 is the sidecar's for a callee it can't reach."""
REFUSED = {403, 500}  # the sidecar's own answers, with the code ERR_DIRECT_INVOKE
NO_TOKEN = (401, b"invalid api token")  # its own, too
UNREACHED = ("couldn't find service", "no host", "connection refused", "error while dialing")
"""What the sidecar says where the callee can't have heard of the call."""
BACKOFF_SECONDS = 0.05
FAILURES = 5  # in a row, until the calls of a target pause
PAUSE_SECONDS = 5.0


class UndeclaredTargetError(Exception):
    """The code calls what `service.yaml` does not declare: a bug, found before the network."""


class CalleeError(UpstreamError):
    """The callee answered with an error: `answered` is its status, `problem` its problem+json."""

    code, title = "callee-error", "The called service answered with an error"

    def __init__(self, app_id: str, method: str, answer: Answer) -> None:
        self.answered, self.outage = answer.status, answer.status == UnavailableError.status
        self.problem = answer.problem()
        about = self.problem.get("detail") or f"status {answer.status}"
        super().__init__(f"{app_id}/{method}: {about}")


class UnreachedError(SidecarError):
    """The sidecar did not find the callee, or got no connection to it."""


@dataclass
class Circuit:
    """Calls of one target: after `FAILURES` in a row they fail at once, for `PAUSE_SECONDS`.

    Then one call tries, and closes the circuit or prolongs the pause. A callee's own 500 is no
    failure of the target: it is there, and the next call may be another matter.
    """

    failures: int = 0
    until: float = 0.0

    def check(self, app_id: str) -> None:
        """Let a call through or raise an UnavailableError."""
        now = time.monotonic()
        if self.failures < FAILURES:
            return
        if now < self.until:
            raise UnavailableError(f"'{app_id}' failed {self.failures} times in a row: a pause.")
        self.until = now + PAUSE_SECONDS

    def tell(self, error: ServiceError | None) -> None:
        """Note how a call ended."""
        bug = isinstance(error, CalleeError) and error.answered == 500
        failed = error is not None and _may_pass(error) and not bug
        self.failures = self.failures + 1 if failed else 0
        self.until = time.monotonic() + PAUSE_SECONDS


class Invoker:
    """Calls other services by their app-id."""

    def __init__(self, sidecar: Sidecar, config: InvokeConfig) -> None:
        self._sidecar = sidecar
        self._retries = config.max_retries
        self._timeout_ms = config.default_timeout_ms
        self._targets = {target.app_id: target for target in config.targets}
        self._circuits = {target.app_id: Circuit() for target in config.targets}

    async def call(
        self,
        app_id: str,
        method: str,
        request: BaseModel,
        answer: type[M],
        *,
        idempotent: bool = False,
    ) -> M:
        """POST `request` to a method and read its answer as `answer`, within `timeout_ms` in all.

        Retried (`max_retries`) where the callee never heard of it and, if `idempotent`, where the
        failure may pass. The callee is told how long the answer is waited for.

        Raises:
            UndeclaredTargetError: app or method is not in the declaration.
            CalleeError: the callee answered with an error or with something else than `answer`.
            SidecarError, UnavailableError, DeadlineError: it was not reached, or not in time.
        """
        target = self._targets.get(app_id)
        if target is None or method not in target.methods:
            raise UndeclaredTargetError(f"'{app_id}/{method}' is no target of this service")
        body, attempt, circuit = request.model_dump_json().encode(), 0, self._circuits[app_id]
        seconds = (target.timeout_ms or self._timeout_ms) / 1000
        own, end = time.monotonic() + seconds, until(seconds)
        while True:
            attempt += 1
            wait = BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1)
            if time.monotonic() >= end:
                raise DeadlineError(f"No time is left to call {app_id}/{method}.")
            circuit.check(app_id)
            try:
                result = await self._send(app_id, method, body, answer, end)
            except ServiceError as error:
                if end >= own or not _is_late(error):  # else it's the caller's hurry
                    circuit.tell(error)
                safe = _unreached(error) or (idempotent and _may_pass(error))
                if not safe or attempt > self._retries or time.monotonic() + wait > end:
                    raise
            else:
                circuit.tell(None)
                return result
            await asyncio.sleep(wait)

    async def _send(self, app_id: str, method: str, body: bytes, answer: type[M], end: float) -> M:
        seconds = end - time.monotonic()
        reply = await self._sidecar.call(
            "invoke",
            "POST",
            f"/v1.0/invoke/{app_id}/method/{method}",
            body=body,
            headers={DEADLINE: str(round(seconds * 1000))},
            seconds=seconds,
        )
        problem = reply.problem() if reply.status in REFUSED else {}
        if problem.get("errorCode") == "ERR_DIRECT_INVOKE":
            said, about = str(problem.get("message")), f"failed to invoke, id: {app_id}, err: "
            unreached = said.startswith(about) and any(words in said.lower() for words in UNREACHED)
            raise (UnreachedError if unreached else SidecarError)(f"invoke {app_id}", reply)
        if (reply.status, reply.body.strip()) == NO_TOKEN:
            raise SidecarError(f"invoke {app_id}", reply)
        if reply.status >= 400:
            raise CalleeError(app_id, method, reply)
        try:
            return answer.model_validate_json(reply.body)
        except ValidationError as error:
            raise CalleeError(app_id, method, reply) from error


def _may_pass(error: ServiceError) -> bool:
    if isinstance(error, CalleeError | SidecarError):
        return error.answered in PASSING
    return isinstance(error, UnavailableError | DeadlineError)


def _is_late(error: ServiceError) -> bool:
    late = isinstance(error, CalleeError) and error.answered == DeadlineError.status
    return late or isinstance(error, DeadlineError)


def _unreached(error: ServiceError) -> bool:
    refused = isinstance(error.__cause__, OSError) and error.__cause__.errno == ECONNREFUSED
    return refused or isinstance(error, UnreachedError)
