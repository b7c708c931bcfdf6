"""The errors that callers are told about: each knows its code and its HTTP status."""


class ServiceError(Exception):
    """Base of the typed errors; `problems` turns them into answers."""

    status = 500
    code = "internal-error"
    title = "Internal error"

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


class UnimplementedError(ServiceError):
    """The service does not offer this yet, and says so."""

    status, code, title = 501, "not-implemented", "Not implemented"


class UpstreamError(ServiceError):
    """Something that the service calls answered with an error."""

    status, code, title = 502, "upstream-error", "An upstream service failed"


class UnavailableError(ServiceError):
    """Something that the service needs is not there at the moment; trying later may help."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"


class DeadlineError(ServiceError):
    """Something that the service calls did not answer in time."""

    status, code, title = 504, "deadline-exceeded", "Deadline exceeded"
