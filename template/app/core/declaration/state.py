"""State: what a service keeps in a Dapr state store."""

from typing import ClassVar, Literal

from pydantic import Field

from .service import KEBAB, Section


class StateConfig(Section):
    """Keys and values in a Dapr state component."""

    section: ClassVar[str] = "state"

    component_name: str = Field("state-store", pattern=KEBAB, max_length=63)
    backend: Literal["redis", "postgresql"] = "redis"
    key_prefix: str = Field("", pattern=r"^([A-Za-z0-9._-]+(:[A-Za-z0-9._-]+)*)?$", max_length=64)
    """First part of every key, followed by a colon."""
    ttl_seconds: int | None = Field(None, ge=1, le=2_147_483_647)
    """How long values are kept that say nothing themselves; none is for good."""
    use_etag: bool = True
    """Whether a save fails when somebody else has saved in between."""
    shared_component_name: str | None = Field(None, pattern=KEBAB, max_length=63)
    """The store that all services of a system read, where there is one."""
