"""The declaration: what this service is, as `app/service.yaml` says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import yaml
from pydantic import ValidationError

from .rules import Section, located, problems
from .service import ServiceConfig

__all__ = ["Declaration", "DeclarationError", "ServiceConfig", "load"]

S = TypeVar("S", bound=Section)


class DeclarationError(Exception):
    """The declaration is wrong; the message is one line a problem."""


@dataclass(frozen=True)
class Declaration:
    """The service and, per feature, its section."""

    service: ServiceConfig
    sections: Mapping[str, object]

    def section(self, model: type[S]) -> S:
        """Return the section that `model` describes.

        Raises:
            DeclarationError: it is missing or wrong.
        """
        if model.section not in self.sections:
            raise DeclarationError(f"service.yaml: {model.section}: the section is missing.")
        return _validated(model, self.sections[model.section])


def load(path: Path) -> Declaration:
    """Read the declaration at `path`.

    Raises:
        DeclarationError: the file can't be read, or does not say what a service is.
    """
    sections = dict(_read(path))
    service = _validated(ServiceConfig, sections.pop(ServiceConfig.section, None))
    expected = set(service.features) - {"health"}
    lines = [f"service.yaml: {name}: the section is missing." for name in expected - set(sections)]
    lines += [
        f"service.yaml: {name}: no such feature is declared: add it to service.features."
        for name in set(sections) - expected
    ]
    if lines:
        raise DeclarationError("\n".join(sorted(lines)))
    return Declaration(service, sections)


def _read(path: Path) -> Mapping[str, object]:
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(f"{path}: {error.strerror}.") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeclarationError(f"{path}: not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise DeclarationError(f"{path}: not a mapping: it begins with 'service:'.")
    return cast("Mapping[str, object]", content)


def _validated(model: type[S], data: object) -> S:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [
            f"service.yaml: {located((model.section, *path))}: {text}"
            for path, text in problems(error, model)
        ]
        raise DeclarationError("\n".join(lines)) from None
