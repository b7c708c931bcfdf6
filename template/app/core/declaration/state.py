"""State: what a service keeps in a Dapr state store."""

from typing import ClassVar, Literal

from pydantic import Field

from .service import KEBAB, Section

PREFIX = r"^([A-Za-z0-9._-]+(:[A-Za-z0-9._-]+)*)?$"


class StateConfig(Section):
    """Keys and values in a Dapr state component."""

    section: ClassVar[str] = "state"

    component_name: str = Field(default="state-store", pattern=KEBAB, max_length=63)
    backend: Literal["redis", "postgresql"] = "postgresql"
    """Where production keeps state; development uses Redis."""
    key_prefix: str = Field(default="", pattern=PREFIX, max_length=64)
    """First part of every key, followed by a colon."""
    ttl_seconds: int | None = Field(default=None, ge=1, le=2_147_483_647)
    """How long values are kept that say nothing themselves; none is for good."""
    use_etag: bool = True
    shared_component_name: str | None = Field(default=None, pattern=KEBAB, max_length=63)
    """The store that all services of a system read, where there is one."""
