"""Keys of state entries."""

from dataclasses import dataclass
from urllib.parse import quote

from app.core.errors import InvalidIdError

MAX_LENGTH = 2048  # an id of 128 characters makes up to 1,536; PostgreSQL indexes 2,704 bytes


@dataclass(frozen=True)
class Key:
    """A key and how long its entry lives: `ttl` seconds, None for good."""

    text: str
    ttl: int | None = None

    @classmethod
    def of(cls, *parts: str, ttl: int | None = None) -> "Key":
        """Join parts with colons; what could break a key in an id is percent-encoded.

        `Key.of("mastery", "stu:1").text == "mastery:stu%3A1"`; else an InvalidIdError.
        """
        text = ":".join(quote(part, safe="", errors="surrogatepass") for part in parts)
        if not all(parts) or len(text) > MAX_LENGTH:
            raise InvalidIdError(f"An id is empty or makes a key over {MAX_LENGTH} characters.")
        return cls(text.replace(".", "%2E") if text in {".", ".."} else text, ttl)
