"""What the sidecar answers, as cases look at it."""

from uuid import uuid4

import httpx2


def mark() -> str:
    """Return a word that is nowhere else."""
    return f"m{uuid4().hex[:12]}"


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    """Return status and code of an error of the sidecar; it has a message, too."""
    body = answer.json()
    assert body["message"]
    return answer.status_code, body["errorCode"]


def done(answer: httpx2.Response) -> bool:
    """Tell whether the sidecar did what was asked: 204, and nothing to say."""
    return (answer.status_code, answer.content) == (204, b"")
