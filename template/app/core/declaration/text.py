"""Kinds of text that several sections use."""

from typing import Annotated

from pydantic import AfterValidator, Field

from .rules import Rule

LINES = r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]"
"""Any character but control characters; tabs and line ends are text."""

YAML_WORDS = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})


def _no_yaml_word(name: str) -> str:
    if name.lower() in YAML_WORDS:
        raise ValueError
    return name


NoYamlWord = AfterValidator(_no_yaml_word)
"""Refuses names that a manifest without quotes would turn into something else."""

ComponentName = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63),
    NoYamlWord,
    Rule(
        "component name", "lower-case letters, digits and single hyphens, up to 63", "state-store"
    ),
]

AppId = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63),
    NoYamlWord,
    Rule("app-id", "the name of a service in kebab-case", "debug-service"),
]

Milliseconds = Annotated[
    int,
    Field(ge=1, le=600_000),
    Rule("time", "milliseconds from 1 to 600000 (ten minutes)", 5000),
]

YesOrNo = Annotated[bool, Rule("answer", "true or false", True)]
