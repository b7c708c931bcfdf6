"""Service invocation: calls to the declared methods of the declared services."""

import asyncio
import random
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.core.declaration.invocation import InvokeConfig, InvokeTarget
from app.core.errors import DeadlineError, ServiceError, UnavailableError, UpstreamError
from app.services.sidecar import Answer, Sidecar, SidecarError

M = TypeVar("M", bound=BaseModel)

PASSING = {429, 500, 502, 503, 504}
"""Answers that may be others a moment later; 500 is the sidecar's for a callee it can't reach."""
BACKOFF_SECONDS = 0.05


class UndeclaredTargetError(Exception):
    """The code calls what `service.yaml` does not declare: a bug, found before the network."""


class CalleeError(UpstreamError):
    """The callee answered with an error: `answered` is its status, `problem` its problem+json."""

    code, title = "callee-error", "The called service answered with an error"

    def __init__(self, app_id: str, method: str, answer: Answer) -> None:
        self.answered = answer.status
        self.problem = answer.problem()
        about = self.problem.get("detail") or f"status {answer.status}"
        super().__init__(f"{app_id}/{method}: {about}")


class Invoker:
    """Calls other services by their app-id."""

    def __init__(self, sidecar: Sidecar, config: InvokeConfig) -> None:
        self._sidecar = sidecar
        self._retries = config.max_retries
        self._timeout_ms = config.default_timeout_ms
        self._targets = {target.app_id: target for target in config.targets}

    async def call(
        self,
        app_id: str,
        method: str,
        request: BaseModel,
        answer: type[M],
        *,
        idempotent: bool = False,
    ) -> M:
        """POST `request` to a method and read its answer as `answer`.

        Retried (`max_retries`) only when `idempotent` and the failure may pass.

        Raises:
            UndeclaredTargetError: app or method is not in the declaration.
            CalleeError: the callee answered with an error or with something else than `answer`.
            SidecarError, UnavailableError, DeadlineError: it was not reached, or not in time.
        """
        target = self._targets.get(app_id)
        if target is None or method not in target.methods:
            raise UndeclaredTargetError(f"'{app_id}/{method}' is no target of this service")
        body, tries = request.model_dump_json().encode(), self._retries + 1 if idempotent else 1
        for attempt in range(1, tries):
            try:
                return await self._once(target, method, body, answer)
            except ServiceError as error:
                if not _may_pass(error):
                    raise
            await asyncio.sleep(BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1))
        return await self._once(target, method, body, answer)

    async def _once(self, target: InvokeTarget, method: str, body: bytes, answer: type[M]) -> M:
        reply = await self._sidecar.call(
            "invoke",
            "POST",
            f"/v1.0/invoke/{target.app_id}/method/{method}",
            body=body,
            seconds=(target.timeout_ms or self._timeout_ms) / 1000,
        )
        if reply.status >= 400 and "errorCode" in reply.problem():
            raise SidecarError(f"invoke {target.app_id}", reply)
        if reply.status >= 400:
            raise CalleeError(target.app_id, method, reply)
        try:
            return answer.model_validate_json(reply.body)
        except ValidationError as error:
            raise CalleeError(target.app_id, method, reply) from error


def _may_pass(error: ServiceError) -> bool:
    if isinstance(error, CalleeError | SidecarError):
        return error.answered in PASSING
    return isinstance(error, UnavailableError | DeadlineError)
