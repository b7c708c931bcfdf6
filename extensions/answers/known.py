"""What the rules look at, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .declaration.invocation import InvokeTarget
from .declaration.pubsub import PubSubTopic
from .telling import located


@dataclass(frozen=True)
class Known:
    """Answers that are right by themselves; None where one is not known yet."""

    service_type: str | None = None
    service_name: str | None = None
    python_version: str | None = None
    port: int | None = None
    features: Sequence[str] | None = None
    topics: Mapping[int, PubSubTopic] | None = None
    """The entries that are right by themselves, by their place in the list."""
    targets: Mapping[int, InvokeTarget] | None = None
    components: Mapping[str, str] = field(default_factory=dict[str, str])
    """The names of Dapr components, by the answer that gives them."""


@dataclass(frozen=True)
class Problem:
    """One line of a refusal."""

    key: str
    path: Sequence[int | str]
    text: str

    def __str__(self) -> str:
        """Return the line."""
        return f"{located((self.key, *self.path))}: {self.text}"
