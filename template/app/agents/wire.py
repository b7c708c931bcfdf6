"""What a model's server sends, as far as it is read; everything else is passed over.

Servers leave fields out or send nonsense: what can't be read here is no answer.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


class Details(BaseModel):
    """Of the prompt's tokens, those that the server had cached."""

    cached_tokens: Annotated[int | None, Field(ge=0)] = None


class Reported(BaseModel):
    """The usage as the server counts it."""

    prompt_tokens: Annotated[int, Field(ge=0)]
    completion_tokens: Annotated[int, Field(ge=0)]
    prompt_tokens_details: Annotated[Details | None, WrapValidator(_or_none)] = None


class Function(BaseModel):
    """A function and its arguments, JSON as the model wrote it."""

    name: str
    arguments: str = "{}"


class ToolCall(BaseModel):
    """The model's wish to have a function called."""

    id: str
    function: Function


class Said(BaseModel):
    """A message of the model, or a piece of one."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(BaseModel):
    """A whole answer."""

    message: Said
    finish_reason: str | None = None


class FunctionPiece(BaseModel):
    """A piece of a call's name or arguments; the name comes at once."""

    name: str | None = None
    arguments: str | None = None


class CallPiece(BaseModel):
    """A piece of the model's call at `index`; the first one has its id."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece = FunctionPiece()


class Delta(BaseModel):
    """A piece of a message: of its text, or of its calls."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None


class Piece(BaseModel):
    """A piece of an answer; the last one says why it ended."""

    delta: Delta | None = None
    finish_reason: str | None = None


Usage = Annotated[Reported | None, WrapValidator(_or_none)]


class Completion(BaseModel):
    """An answer at once."""

    id: str | None = None
    model: str | None = None
    choices: Annotated[list[Choice], Field(min_length=1)]
    usage: Usage = None


class Chunk(BaseModel):
    """A part of a streamed answer; one with the usage has no choices, one with an error neither."""

    id: str | None = None
    model: str | None = None
    choices: list[Piece] | None = None
    usage: Usage = None
    error: Any = None


class Calls:
    """Puts the pieces of calls together."""

    def __init__(self) -> None:
        self._calls: dict[int, ToolCall] = {}

    def feed(self, piece: CallPiece) -> None:
        """Hear a piece; one without an index begins a call if it has an id, else goes on."""
        index = piece.index
        if index is None:
            index = len(self._calls) - (piece.id is None)
        call = self._calls.get(index)
        if call is None:
            call = ToolCall(id="", function=Function(name="", arguments=""))
            self._calls[index] = call
        call.id = piece.id or call.id
        call.function.name = piece.function.name or call.function.name
        call.function.arguments += piece.function.arguments or ""

    @property
    def whole(self) -> list[ToolCall]:
        """The calls so far, in their order."""
        return [call for _, call in sorted(self._calls.items())]


class Events:
    """Takes a stream apart: the data of its server-sent events, which begin and end anywhere."""

    def __init__(self) -> None:
        self._line = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the data of each event that is whole with another piece of the stream."""
        *lines, self._line = (self._line + piece).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line.removeprefix(b"data:").removeprefix(b" "))
            elif not line and self._data:
                yield b"\n".join(self._data)
                self._data.clear()
