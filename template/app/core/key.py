"""Keys of state entries."""

from dataclasses import dataclass
from urllib.parse import quote

MAX_LENGTH = 512
"""Longest key; the stores take more, logs and people do not."""


@dataclass(frozen=True)
class Key:
    """A key and how long its entry lives: `ttl` seconds, None for good."""

    text: str
    ttl: int | None = None

    @classmethod
    def of(cls, *parts: str, ttl: int | None = None) -> "Key":
        """Join parts with colons; what could break a key in an id is percent-encoded.

        `Key.of("mastery", "stu:1", "loops").text == "mastery:stu%3A1:loops"`

        Raises:
            ValueError: a part is empty, or the whole is longer than 512 characters.
        """
        if not all(parts):
            raise ValueError(f"a part of the key {parts} is empty")
        text = ":".join(quote(part, safe="") for part in parts)
        if len(text) > MAX_LENGTH:
            raise ValueError(f"the key is {len(text)} characters long; {MAX_LENGTH} at most")
        return cls(text, ttl)
