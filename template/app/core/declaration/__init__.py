"""The declaration: what this service is, as `app/service.yaml` says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import yaml
from pydantic import ValidationError

from .service import Section, ServiceConfig

S = TypeVar("S", bound=Section)


class DeclarationError(Exception):
    """The declaration is wrong; the message is one line a problem."""


@dataclass(frozen=True)
class Declaration:
    """The service and, per feature, its section."""

    service: ServiceConfig
    sections: Mapping[str, object]

    def section(self, model: type[S]) -> S:
        """Return the section that `model` describes; a DeclarationError tells what is wrong."""
        return _validated(model, self.sections.get(model.section))


def load(path: Path) -> Declaration:
    """Read the declaration at `path`; a DeclarationError tells what is wrong."""
    try:
        text, fast = path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        content: object = yaml.load(text, fast)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DeclarationError(f"{path} can't be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise DeclarationError(f"{path} is no mapping that begins with 'service:'")
    sections = cast("dict[str, object]", content)
    service = _validated(ServiceConfig, sections.pop(ServiceConfig.section, None))
    if odd := sorted({"health", *sections} ^ {"health", *service.features}):
        raise DeclarationError(f"service.yaml: {', '.join(odd)}: section and feature go together")
    return Declaration(service, sections)


def _validated(model: type[S], data: object) -> S:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [
            f"service.yaml: {'.'.join(map(str, (model.section, *item['loc'])))}: {item['msg']}"
            for item in error.errors()
        ]
        raise DeclarationError("\n".join(lines)) from None
