"""State: what a service keeps in a Dapr state store."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .rules import Rule, Section
from .text import ComponentName, YesOrNo

Backend = Annotated[
    Literal["redis", "postgresql"],
    Rule("state backend", "redis or postgresql", "redis"),
]

KeyPrefix = Annotated[
    str,
    Field(pattern=r"^([A-Za-z0-9._-]+(:[A-Za-z0-9._-]+)*)?$", max_length=64),
    Rule("part of a key", "letters, digits, dots, hyphens and underscores, or nothing", "orders"),
]

Seconds = Annotated[
    int | None,
    Field(ge=1, le=2_147_483_647),
    Rule("time to live", "seconds from 1, or nothing to keep it for good", 3600),
]


class StateConfig(Section):
    """Keys and values in a Dapr state component."""

    section: ClassVar[str] = "state"

    component_name: ComponentName = "state-store"
    backend: Backend = "redis"
    key_prefix: KeyPrefix = ""
    """First part of every key, followed by a colon."""
    ttl_seconds: Seconds = None
    """How long values are kept that say nothing themselves; none is for good."""
    use_etag: YesOrNo = True
    """Whether a save fails when somebody else has saved in between."""
    shared_component_name: ComponentName | None = None
    """The store that all services of a system read, where there is one."""
