"""What every service declares."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from .rules import Rule, Section
from .text import LINES, NoYamlWord

NAME_LENGTH = 46
"""Kubernetes adds up to 17 characters (`-6799fc88d8-x2x7q`) to name a pod, and stops at 63."""

ServiceName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=NAME_LENGTH),
    NoYamlWord,
    Rule(
        "service name",
        f"lower-case letters, digits and single hyphens, up to {NAME_LENGTH}",
        "orders-service",
    ),
]

ServiceType = Annotated[
    str,
    Field(pattern=r"^[a-z]+(-[a-z]+)*$"),
    Rule("service type", "the type it was made as", "generic"),
]

Description = Annotated[
    str,
    Field(max_length=500, pattern=rf"^{LINES}*[^\s\x00-\x1f\x7f-\x9f]{LINES}*$"),
    Rule(
        "description",
        "up to 500 characters of text, without control characters",
        "Takes and ships orders",
    ),
]

# A semantic version that is a Python version and a Kubernetes label as well.
Version = Annotated[
    str,
    Field(
        max_length=63,
        pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(alpha|beta|rc)\.(0|[1-9]\d*))?$",
    ),
    Rule(
        "semantic version", "MAJOR.MINOR.PATCH, with -alpha.N, -beta.N or -rc.N if need be", "0.1.0"
    ),
]

PythonVersion = Annotated[
    str,
    Field(pattern=r"^3\.(1[1-9]|[2-9]\d)$"),
    Rule("Python version to build on", "3.11 or later, in quotes", "3.12"),
]

Port = Annotated[
    int,
    Field(ge=1024, le=65535),
    Rule("port to listen on", "a whole number from 1024 to 65535", 8000),
]

FeatureName = Annotated[
    str,
    Field(pattern=r"^[a-z]+$"),
    Rule("feature", "the name of a feature", "state"),
]


def _health_first(features: list[str]) -> list[str]:
    return list(dict.fromkeys(["health", *features]))


class ServiceConfig(Section):
    """The service itself: its name, its kind, its parts."""

    section: ClassVar[str] = "service"

    service_name: ServiceName
    """Its Dapr app-id, and its name in Kubernetes and as a Python distribution."""
    service_type: ServiceType = "generic"
    description: Description
    version: Version = "0.1.0"
    python_version: PythonVersion = "3.11"
    port: Port = 8000
    features: Annotated[list[FeatureName], AfterValidator(_health_first)] = Field(
        default_factory=lambda: ["health"]
    )
    """What it consists of; health is always there."""
