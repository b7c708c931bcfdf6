"""What a test, or `POST /script`, has the server say or do next, in the place of its own answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ConfigDict, TypeAdapter
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

JSON = Mapping[str, object]
STRICT = ConfigDict(extra="forbid")
"""Of what comes as JSON: a name that is not known is a mistake."""
End = Literal["done", "undone", "early", "half a line", "broken", "error"]


@dataclass(frozen=True)
class Call:
    """A call of a tool; arguments that are a text are sent as they are, valid or not."""

    __pydantic_config__ = STRICT
    name: str
    arguments: JSON | str = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class Reply:
    """A completion; what is not said is as it should be."""

    __pydantic_config__ = STRICT
    content: str | None = None
    calls: Sequence[Call] = ()
    finish: str | None = None
    """Why it ended; what has a reason of its own is not cut. None: `stop`, `tool_calls`, or
    `length` where it is over the limit, and cut there."""
    refusal: str | None = None
    model: str | None = None
    """None: the one that was asked for."""
    usage: JSON | Literal["counted"] | None = "counted"
    wait: float = 0.0
    """Seconds before the headers."""
    drip: float = 0.0
    """Seconds before each piece: an event of a stream, 16 bytes of a body."""
    end: End = "done"
    """How it ends. `undone`: without [DONE]. The others after half of the pieces: `early` and `half
    a line` cleanly, `broken` with the connection, `error` with an error in place of the next."""


@dataclass(frozen=True)
class Failure:
    """An error in OpenAI's shape; its message holds the caller's key, as OpenAI's can."""

    __pydantic_config__ = STRICT
    status: int
    code: str | None = None
    retry_after: str | None = None
    """The header: seconds, or a date, or nonsense."""
    retry_after_ms: int | None = None

    def response(self, authorization: str) -> Response:
        """Return it as the answer to who sent that header."""
        key = authorization.removeprefix("Bearer ")
        waits = {"retry-after": self.retry_after, "retry-after-ms": self.retry_after_ms}
        headers = {name: str(value) for name, value in waits.items() if value is not None}
        message = f"Incorrect API key provided: {key}" if self.status == 401 else f"Failed: {key}"
        return problem(self.status, message, self.code, headers=headers)


@dataclass(frozen=True)
class Raw:
    """A body of any kind, with 200: HTML, no choices, no JSON, a stream that is none."""

    __pydantic_config__ = STRICT
    body: str
    media_type: str = "application/json"

    def response(self) -> Response:
        """Return it as it is."""
        return Response(self.body, media_type=self.media_type)


class Silence(Response):
    """Nothing at all, until the client gives up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait."""
        while (await receive())["type"] != "http.disconnect":
            pass


Scripted = str | Reply | Failure | Raw | Response
"""A content, a completion, an error, a body, or a response of any kind."""
SCRIPT = TypeAdapter[list[str | Reply | Failure | Raw]](list[str | Reply | Failure | Raw])
"""A script as JSON, with the same fields."""


def problem(
    status: int,
    message: str,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": error}, status, headers)
