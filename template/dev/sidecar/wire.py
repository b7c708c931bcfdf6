"""How Dapr reads requests, and how it answers with errors."""

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class DaprError(Exception):
    """A refusal or failure of the sidecar itself."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errorCode": code, "message": message}


async def refusal(_: Request, error: Exception) -> Response:
    """Answer a request with a DaprError."""
    assert isinstance(error, DaprError)
    return JSONResponse(error.body, error.status)


def parameter(request: Request, name: str) -> str:
    """Return a part of the path, decoded."""
    return unquote(request.path_params[name])


def metadata_of(request: Request) -> dict[str, str]:
    """Return the metadata of a request: `?metadata.name=value`, never headers."""
    prefix = "metadata."
    given = request.query_params.items()
    return {name.removeprefix(prefix): v for name, v in given if name.startswith(prefix)}
