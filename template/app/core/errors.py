"""Errors, each with its code and status, and their one shape: problem+json (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from app.core.telemetry import request_id

STANDARD = {status.value: status.phrase for status in HTTPStatus}
PHRASES = STANDARD | {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 has them; Python's own follow it from 3.13 on, and codes must not depend on it."""


class ServiceError(Exception):
    """Base of the typed errors; callers get it as a problem."""

    status, code, title = 500, "internal-error", "Internal error"
    outage = False  # whether it passes by itself: an event that it befalls comes again until then

    def __init__(self, detail: str = "") -> None:
        self.detail = detail or self.title
        super().__init__(self.detail)


class NotFoundError(ServiceError):
    """What was asked for does not exist."""

    status, code, title = 404, "not-found", "Not found"

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"There is no {kind} '{key}'.")


class InvalidIdError(ServiceError):
    """An id can't be part of a key: it is empty or too long."""

    status, code, title = 422, "invalid-id", "Invalid id"


class ConflictError(ServiceError):
    """Somebody else changed the same thing at the same time, more often than is retried."""

    status, code, title = 409, "conflict", "Conflict"


class UpstreamError(ServiceError):
    """Something that the service calls answered with an error."""

    status, code, title = 502, "upstream-error", "An upstream service failed"


class UnavailableError(ServiceError):
    """Something that the service needs is not there at the moment; trying later may help."""

    status, code, title, outage = 503, "unavailable", "Temporarily unavailable", True


class DeadlineError(ServiceError):
    """Something that the service calls did not answer in time."""

    status, code, title = 504, "deadline-exceeded", "Deadline exceeded"


def problem(status: int, *, headers: Mapping[str, str] | None = None, **about: Any) -> JSONResponse:
    """Describe a failure; `code` is stable and meant for programs, `detail` for people."""
    phrase = PHRASES.get(status, f"HTTP {status}")
    body = {"type": "about:blank", "title": phrase, "status": status, "detail": phrase}
    body |= {"code": phrase.lower().replace(" ", "-"), "request_id": request_id.get(), **about}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install_problems(app: FastAPI) -> None:
    """Answer typed errors, HTTP errors and invalid input with problem+json."""

    @app.exception_handler(ServiceError)
    async def typed(_: Request, error: ServiceError) -> JSONResponse:
        return problem(error.status, code=error.code, title=error.title, detail=error.detail)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        status, headers, detail = error.status_code, error.headers, cast("object", error.detail)
        if status < 400:  # raised to answer early
            return Response(None, status, headers)
        member = "detail" if isinstance(detail, str) else "details"  # `detail` is text
        return problem(status, headers=headers, **{member: detail})

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        found = [
            {"location": ".".join(map(str, item["loc"])), "message": item["msg"]}
            for item in error.errors()
        ]
        detail = "; ".join(f"{item['location']}: {item['message']}" for item in found)
        return problem(422, code="invalid-input", detail=detail, errors=found)
