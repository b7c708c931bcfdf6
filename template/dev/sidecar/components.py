"""The Dapr resources of some folders, as `daprd --resources-path` reads them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Component:
    """A state store or a broker, as an app knows it."""

    name: str
    type: str
    """For example `state.redis`."""
    version: str
    options: Mapping[str, str]
    """Its metadata; what comes from a secret or the environment is not in it."""
    retries: int | None = None
    """How often deliveries are repeated by the resiliency policy, -1 for ever; None without one."""
    pause: float = 5.0
    """Seconds before a repetition."""

    def words(self, option: str, separator: str = ",") -> list[str]:
        """Return the parts of an option that is a list."""
        parts = self.options.get(option, "").split(separator)
        return [part.strip() for part in parts if part.strip()]


def load(folders: Sequence[Path], app_id: str) -> dict[str, Component]:
    """Return the components that are in scope for an app, by name.

    Raises:
        ValueError: two have one name.
    """
    found: dict[str, Component] = {}
    documents = [d for d in _documents(folders) if app_id in (d.get("scopes") or [app_id])]
    for document in documents:
        if document.get("kind") == "Component":
            component = _component(document)
            if component.name in found:
                raise ValueError(f"two components are named '{component.name}'")
            found[component.name] = component
    for document in documents:
        if document.get("kind") == "Resiliency":
            for name, policy in _inbound(document["spec"]):
                if name in found:
                    retries, pause = policy.get("maxRetries", -1), _seconds(policy["duration"])
                    found[name] = replace(found[name], retries=retries, pause=pause)
    return found


def _documents(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for folder in folders:
        for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
            yield from filter(None, yaml.safe_load_all(path.read_text("utf-8")))


def _component(document: dict[str, Any]) -> Component:
    spec = document["spec"]
    given = {item["name"]: item.get("value", "") for item in spec.get("metadata") or ()}
    options = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in given.items()}
    return Component(document["metadata"]["name"], spec["type"], spec.get("version", "v1"), options)


def _inbound(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the policies for deliveries, by component."""
    targets: dict[str, dict[str, Any]] = spec.get("targets", {}).get("components") or {}
    for name, target in targets.items():
        if policy := target.get("inbound", {}).get("retry"):
            yield name, spec["policies"]["retries"][policy]


def _seconds(duration: str) -> float:
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    parts: list[tuple[str, str]] = re.findall(r"([\d.]+)(ms|s|m|h)", duration)
    return sum(float(number) * units[unit] for number, unit in parts)
