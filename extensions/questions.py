"""The questions' door to `answers/`: defaults, checks, and what follows from the answers."""

import sys
from collections.abc import Callable, MutableMapping
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, cast

from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.runtime import Context

if TYPE_CHECKING:
    from extensions.answers.door import Door

PACKAGE = Path(__file__).with_name("answers")
GLOBALS = (
    "preset",
    "check_given",
    "check_all",
    "complaint",
    "event_types",
    "own_events",
    "starter_topics",
    "starter_imports",
    "made_before",
    "answers_yaml",
)
"""Methods of `Door` that copier.yml and the templates call."""


class Questions(Extension):
    """Jinja globals, each a method of `Door`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        names = cast("MutableMapping[str, object]", environment.globals)
        names.update({name: self._deferred(name) for name in GLOBALS})

    def _deferred(self, name: str) -> Callable[..., object]:
        @pass_context
        def call(context: Context, *arguments: object) -> object:
            return getattr(self._door, name)(context, *arguments)

        return call

    @cached_property
    def _door(self) -> "Door":
        return _door_of(_package())


def _package() -> str:
    """Import `answers/` under a name of its own: an update has two versions in one process."""
    name = f"answers_{sha256(bytes(PACKAGE)).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = spec_from_file_location(
            name, PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
        )
        assert spec
        assert spec.loader
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return name


def _door_of(package: str) -> "Door":
    # The template is not ours to write in.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return import_module(f"{package}.door").Door()
    finally:
        sys.dont_write_bytecode = kept
