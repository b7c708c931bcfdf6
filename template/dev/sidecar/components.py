"""The Dapr components of a folder, as `daprd --resources-path` reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Component:
    """A state store or a broker, as an app knows it."""

    name: str
    type: str
    version: str
    options: Mapping[str, str]
    """Its metadata; what comes from a secret or the environment is empty."""

    def words(self, option: str, separator: str = ",") -> list[str]:
        """Return the parts of an option that is a list."""
        parts = self.options.get(option, "").split(separator)
        return [part.strip() for part in parts if part.strip()]


def load(folder: Path, app_id: str) -> dict[str, Component]:
    """Return the components in scope for an app, by name; raises ValueError if two share one."""
    found: dict[str, Component] = {}
    for path in sorted(folder.glob("*.y*ml")):
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            scopes = document and document.get("scopes")
            if (
                not document
                or document.get("kind") != "Component"
                or app_id not in (scopes or app_id)
            ):
                continue
            component = _component(document)
            if component.name in found:
                raise ValueError(f"{path}: a second component is named '{component.name}'")
            found[component.name] = component
    return found


def _component(document: dict[str, Any]) -> Component:
    spec = document["spec"]
    given = {item["name"]: item.get("value", "") for item in spec.get("metadata") or ()}
    options = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in given.items()}
    return Component(document["metadata"]["name"], spec["type"], spec.get("version", "v1"), options)
