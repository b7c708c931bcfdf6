"""What ends a command."""


class RefusedError(Exception):
    """It can't be done, and the service is as it was; the message says why, and the way out."""


class RefusedAnswerError(RefusedError):
    """The template does not take an answer."""
