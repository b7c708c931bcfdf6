"""What can go wrong with a model. The client's own messages stay here: they may hold keys."""

from app.core.errors import DeadlineError, UnavailableError, UpstreamError


class ModelUnavailableError(UnavailableError):
    """The model's server can't be reached, or is overloaded."""

    code, title = "model-unavailable", "The model is not available"


class ModelDeadlineError(DeadlineError):
    """The model did not answer in time."""

    code, title = "model-deadline-exceeded", "The model did not answer in time"


class ModelRefusedError(UpstreamError):
    """The server refused the request: a wrong key, model or parameter."""

    code, title = "model-refused", "The model's server refused the request"


class ModelAnswerError(UpstreamError):
    """The answer is empty, cut, filtered, or not of the shape asked for."""

    code, title = "model-answer-unusable", "The model's answer can't be used"
