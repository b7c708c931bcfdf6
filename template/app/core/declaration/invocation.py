"""Invocation: which methods of which services a service calls."""

from typing import Annotated, ClassVar

from pydantic import Field

from .service import KEBAB, Section

Method = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$", max_length=200)
]
"""The path a method is called by, without a leading slash."""


class InvokeTarget(Section):
    """A service that may be called, and its methods."""

    app_id: str = Field(pattern=KEBAB, max_length=63)
    methods: list[Method] = Field(min_length=1)
    timeout_ms: int | None = Field(default=None, ge=1, le=600_000)


class InvokeConfig(Section):
    """Calls of other services through Dapr."""

    section: ClassVar[str] = "invocation"

    targets: list[InvokeTarget] = Field(default_factory=list[InvokeTarget])
    default_timeout_ms: int = Field(default=5000, ge=1, le=600_000)
    """For targets that say nothing themselves."""
    max_retries: int = Field(default=3, ge=0, le=10)
    """How often a call is repeated that is safe to repeat."""
