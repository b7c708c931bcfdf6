"""One shape for every failure: problem+json (RFC 9457), without internals."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.core.errors import ServiceError
from app.core.telemetry import request_id


class ProblemResponse(JSONResponse):
    """An answer of type `application/problem+json`."""

    media_type = "application/problem+json"


def problem(
    status: int,
    *,
    code: str | None = None,
    title: str | None = None,
    detail: str | None = None,
    errors: Sequence[dict[str, Any]] = (),
    headers: dict[str, str] | None = None,
) -> ProblemResponse:
    """Describe a failure; `code` is stable and meant for programs, `detail` for people."""
    phrase = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or phrase,
        "status": status,
        "code": code or phrase.lower().replace(" ", "-"),
        "detail": detail or title or phrase,
        "request_id": request_id.get(),
    }
    if errors:
        body["errors"] = list(errors)
    return ProblemResponse(body, status_code=status, headers=headers)


def install_problems(app: FastAPI) -> None:
    """Answer typed errors, HTTP errors and invalid input with problem+json."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_input)


async def _service_error(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ServiceError)
    return problem(error.status, code=error.code, title=error.title, detail=error.detail)


async def _http_error(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, detail=error.detail, headers=headers)


async def _invalid_input(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    found = [
        {"location": ".".join(map(str, item["loc"])), "message": item["msg"]}
        for item in error.errors()
    ]
    return problem(422, code="invalid-input", title="Invalid input", errors=found)
