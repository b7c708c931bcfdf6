"""Speed: the tests render the same templates hundreds of times; what never changes is made once."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from copier._main import Worker
from copier._types import Phase
from jinja2 import Environment


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Let Copier do in this process what it does, in less time; what comes of it stays the same.

    Where tests run the command `copier`, it is as everybody has it.
    """
    patch.setattr(yaml, "SafeLoader", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    _keep_compiled(patch)
    _keep_context(patch)


def _keep_compiled(patch: pytest.MonkeyPatch) -> None:
    """Compile each text once."""
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


def _keep_context(patch: pytest.MonkeyPatch) -> None:
    """Put together what templates see once a rendering, not twice for each folder of a path."""
    name = "_render_context"
    put_together: Callable[[Worker], dict[str, Any]] = getattr(Worker, name)

    def find(self: Worker) -> dict[str, Any]:
        if Phase.current() is not Phase.RENDER:  # answers are still to come
            return put_together(self)
        kept: tuple[object, dict[str, Any]] | None = vars(self).get("_kept")
        if kept is None or kept[0] is not self.answers:
            kept = vars(self)["_kept"] = (self.answers, put_together(self))
        return dict(kept[1])

    patch.setattr(Worker, name, find)
