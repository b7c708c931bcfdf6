"""Kinds of text that several sections use."""

from typing import Annotated

from pydantic import Field

from .rules import Rule

LINES = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]"
"""Any character but control characters; tabs and line ends are text."""

ComponentName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63),
    Rule(
        "component name", "lower-case letters, digits and single hyphens, up to 63", "state-store"
    ),
]

AppId = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63),
    Rule("app-id", "the name of a service in kebab-case", "debug-service"),
]

Milliseconds = Annotated[
    int,
    Field(ge=1, le=600_000),
    Rule("time", "milliseconds from 1 to 600000 (ten minutes)", 5000),
]

YesOrNo = Annotated[bool, Rule("answer", "true or false", True)]
