"""What can go wrong with a model. The client's own messages stay here: they may hold keys."""

from math import ceil

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from app.core.errors import DeadlineError, ServiceError, UnavailableError, UpstreamError, problem


class ModelUnavailableError(UnavailableError):
    """The model's server can't be reached or is overloaded: nothing was paid.

    `retry_after` is the number of seconds that it asks for, if it does.
    """

    code, title = "model-unavailable", "The model is not available"

    def __init__(self, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class ModelBrokenError(ModelUnavailableError):
    """The connection broke after the request was sent: it may have been paid for."""

    code, title = "model-connection-broken", "The connection to the model broke"
    outage = False  # to go on trying could be paid for each time


class ModelDeadlineError(DeadlineError):
    """The model did not answer in time, retries included."""

    code, title = "model-deadline-exceeded", "The model did not answer in time"


class ModelRefusedError(UpstreamError):
    """The server refused the request: a wrong key, model or parameter, or no quota."""

    code, title = "model-refused", "The model's server refused the request"


class ModelAnswerError(UpstreamError):
    """The answer is no completion, empty, or not of the shape asked for."""

    code, title = "model-answer-unusable", "The model's answer can't be used"


class AnswerCutError(ModelAnswerError):
    """The answer ended before its end: at its longest, or with the stream."""

    code, title = "model-answer-cut", "The model's answer is incomplete"


class AnswerWithheldError(ModelAnswerError):
    """The model refused, its server filtered, or the answer holds what nobody may see."""

    code, title = "model-answer-withheld", "The model's answer is withheld"


class ToolRoundsError(ModelAnswerError):
    """The model went on to call tools in the place of an answer."""

    code, title = "model-tool-rounds-exceeded", "The model called tools without an end"


class BudgetError(ServiceError):
    """The user's tokens of the day are spent; nothing was asked, nothing is paid."""

    status, code, title = 429, "budget-exhausted", "The budget of the day is spent"

    def __init__(self, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


def install_retry_after(app: FastAPI) -> None:
    """Tell callers when it is worth while to try again, in the header made for it."""

    async def later(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ModelUnavailableError | BudgetError)
        wait = error.retry_after
        headers = None if wait is None else {"retry-after": str(ceil(wait))}
        about = {"code": error.code, "title": error.title, "detail": error.detail}
        return problem(error.status, headers=headers, **about)

    for kind in (ModelUnavailableError, BudgetError):
        app.add_exception_handler(kind, later)
