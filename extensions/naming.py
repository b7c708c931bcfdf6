"""Names: one name in the many spellings that files, classes and variables need."""

import re
from collections.abc import Callable, MutableMapping
from typing import cast

import yaml
from jinja2 import Environment
from jinja2.ext import Extension

Functions = MutableMapping[str, Callable[..., object]]

# What YAML can't hold as it is; TOML and Python can, and take the same escapes.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def words(name: str) -> list[str]:
    """Return the words of a name in any spelling, in lower case."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]*", name)
    return [part.lower() for part in parts]


def kebab(name: str) -> str:
    """Return `name` as `code-review`."""
    return "-".join(words(name))


def snake(name: str) -> str:
    """Return `name` as `code_review`."""
    return "_".join(words(name))


def pascal(name: str) -> str:
    """Return `name` as `CodeReview`."""
    return "".join(word.capitalize() for word in words(name))


def env_name(name: str) -> str:
    """Return `name` as `CODE_REVIEW`."""
    return snake(name).upper()


def quoted(text: str) -> str:
    """Return `text` on one line in double quotes, the same in YAML, TOML and Python."""
    escaped = "".join(ESCAPES.get(character, character) for character in text)
    return f'"{UNPRINTABLE.sub(_escape, escaped)}"'


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def number(value: float) -> str:
    """Return a number as YAML reads it: without a point, `1e-05` is a text."""
    return yaml.safe_dump(value).split()[0]


def is_kebab(name: str) -> bool:
    """Whether `name` is spelled `code-review`."""
    return re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) is not None


def is_topic(name: str) -> bool:
    """Whether `name` is spelled `domain.action`."""
    domain, _, actions = name.partition(".")
    action = r"[a-z0-9]+(-[a-z0-9]+)*"
    return is_kebab(domain) and re.fullmatch(rf"{action}(\.{action})*", actions) is not None


class Naming(Extension):
    """The spellings as Jinja filters, and tests for the two that Dapr cares about."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        filters: tuple[Callable[..., str], ...] = (kebab, snake, pascal, env_name, quoted, number)
        cast("Functions", environment.filters).update({each.__name__: each for each in filters})
        cast("Functions", environment.tests).update(kebab=is_kebab, topic=is_topic)
