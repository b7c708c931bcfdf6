"""Speed: the tests render the same templates hundreds of times; Jinja compiles them once."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from jinja2 import Environment


def keep_compiled(patch: pytest.MonkeyPatch) -> None:
    """Let Jinja compile each text once in a process; what comes out of it stays the same.

    Copier's YAML is read by libyaml, where that is there: ten times as fast.
    """
    patch.setattr(yaml, "SafeLoader", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    compile_text: Callable[..., Any] = Environment.compile
    kept: dict[object, Any] = {}

    def find(self: Environment, source: object, *place: object, **more: object) -> Any:
        if not isinstance(source, str):
            return compile_text(self, source, *place, **more)
        syntax = (self.block_start_string, self.variable_start_string, self.comment_start_string)
        kind = (type(self), self.keep_trailing_newline, *syntax, *sorted(self.extensions))
        key = (source, place, tuple(more.items()), kind)
        if key not in kept:
            kept[key] = compile_text(self, source, *place, **more)
        return kept[key]

    patch.setattr(Environment, "compile", find)
