"""Service invocation: calls to the declared methods of the declared services."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.core.declaration.invocation import InvokeConfig
from app.core.errors import UpstreamError
from app.services.sidecar import Answer, Sidecar, SidecarError

M = TypeVar("M", bound=BaseModel)

RETRYABLE = {429, 502, 503, 504}
"""Answers after which an idempotent call may be repeated."""


class UndeclaredTargetError(Exception):
    """The code calls what `service.yaml` does not declare: a bug, found before the network."""


class CalleeError(UpstreamError):
    """The callee answered with an error: `answered` is its status, `problem` its problem+json."""

    code = "callee-error"
    title = "The called service answered with an error"

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
        body = request.model_dump_json().encode()
        tries = self._retries + 1 if idempotent else 1
        reply = await self._send(app_id, method, body, target.timeout_ms / 1000)
        while reply.status in RETRYABLE and (tries := tries - 1):
            reply = await self._send(app_id, method, body, target.timeout_ms / 1000)
        if reply.status >= 400:
            if "errorCode" in reply.problem():
                raise SidecarError(f"invoke {app_id}", reply)
            raise CalleeError(app_id, method, reply)
        try:
            return answer.model_validate_json(reply.body)
        except ValidationError as error:
            raise CalleeError(app_id, method, reply) from error

    async def _send(self, app_id: str, method: str, body: bytes, seconds: float) -> Answer:
        return await self._sidecar.call(
            "invoke",
            "POST",
            f"/v1.0/invoke/{app_id}/method/{method}",
            body=body,
            seconds=seconds,
        )
