"""Keys of state entries."""

from dataclasses import dataclass
from urllib.parse import quote

MAX_LENGTH = 512  # the stores take more, logs and people do not


@dataclass(frozen=True)
class Key:
    """A key and how long its entry lives: `ttl` seconds, None for good."""

    text: str
    ttl: int | None = None

    @classmethod
    def of(cls, *parts: str, ttl: int | None = None) -> "Key":
        """Join parts with colons; what could break a key in an id is percent-encoded.

        `Key.of("mastery", "stu:1").text == "mastery:stu%3A1"`; ValueError where a part is empty.
        """
        text = ":".join(quote(part, safe="") for part in parts)
        if not all(parts) or len(text) > MAX_LENGTH:
            raise ValueError(f"{text[:80]!r} has an empty part or over {MAX_LENGTH} characters")
        return cls(text, ttl)
