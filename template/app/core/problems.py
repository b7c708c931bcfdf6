"""One shape for every failure: problem+json (RFC 9457), without internals."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.core.errors import ServiceError
from app.core.telemetry import request_id

PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 has them; Python's own follow it from 3.13 on, and codes must not depend on it."""


def problem(status: int, *, headers: Mapping[str, str] | None = None, **about: Any) -> JSONResponse:
    """Describe a failure; `code` is stable and meant for programs, `detail` for people."""
    phrase = PHRASES.get(status) or HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": phrase, "status": status, "detail": phrase}
    body |= {"code": phrase.lower().replace(" ", "-"), "request_id": request_id.get(), **about}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def install_problems(app: FastAPI) -> None:
    """Answer typed errors, HTTP errors and invalid input with problem+json."""

    @app.exception_handler(ServiceError)
    async def typed(_: Request, error: ServiceError) -> JSONResponse:
        return problem(error.status, code=error.code, title=error.title, detail=error.detail)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, headers=error.headers, detail=error.detail)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        found = [
            {"location": ".".join(map(str, item["loc"])), "message": item["msg"]}
            for item in error.errors()
        ]
        detail = "; ".join(f"{item['location']}: {item['message']}" for item in found)
        return problem(422, code="invalid-input", detail=detail, errors=found)

    _ = (typed, http, invalid)  # FastAPI keeps them
