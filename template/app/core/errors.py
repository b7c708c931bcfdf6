"""The errors of the service. Each knows its code and its HTTP status; `problems` shows them."""


class ServiceError(Exception):
    """Base of all errors that a caller is told about."""

    status = 500
    code = "internal-error"
    title = "Internal error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class NotFoundError(ServiceError):
    """What was asked for does not exist."""

    status = 404
    code = "not-found"
    title = "Not found"

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"There is no {kind} '{key}'.")


class ConflictError(ServiceError):
    """Somebody else changed the same thing at the same time, more often than is retried."""

    status = 409
    code = "conflict"
    title = "Conflict"


class UnimplementedError(ServiceError):
    """The service does not offer this yet, and says so."""

    status = 501
    code = "not-implemented"
    title = "Not implemented"


class UpstreamError(ServiceError):
    """Something that the service calls answered with an error."""

    status = 502
    code = "upstream-error"
    title = "An upstream service failed"


class UnavailableError(ServiceError):
    """Something that the service needs is not there at the moment; trying later may help."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"


class DeadlineError(ServiceError):
    """Something that the service calls did not answer in time."""

    status = 504
    code = "deadline-exceeded"
    title = "Deadline exceeded"
