"""What every service declares. What the values mean to people is told where they are asked for."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

KEBAB = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
VERSION = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(alpha|beta|rc)\.(0|[1-9]\d*))?$"
"""A semantic version that is a Python version and a Kubernetes label as well."""
TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
"""Something to read, on any number of lines, without control characters."""


class Section(BaseModel):
    """Base of the models of `service.yaml`; `section` is the name at the top level."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    section: ClassVar[str] = ""


class ServiceConfig(Section):
    """The service itself: its name, its kind, its parts."""

    section: ClassVar[str] = "service"

    # Kubernetes adds up to 17 characters (`-6799fc88d8-x2x7q`) to name a pod, and stops at 63.
    service_name: str = Field(pattern=KEBAB, max_length=46)
    """Its Dapr app-id, and its name in Kubernetes and as a Python distribution."""
    service_type: str = Field(default="generic", pattern=KEBAB)
    description: str = Field(pattern=TEXT, max_length=500)
    version: str = Field(default="0.1.0", pattern=VERSION, max_length=63)
    python_version: str = Field(default="3.11", pattern=r"^3\.(1[1-9]|[2-9]\d)$")
    port: int = Field(default=8000, ge=1024, le=65535)
    features: list[str] = ["health"]
