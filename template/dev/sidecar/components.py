"""The Dapr components of a folder, as `daprd --resources-path` reads them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Component:
    """A state store or a broker, as an app knows it."""

    name: str
    type: str
    options: Mapping[str, str]
    """Its metadata; what comes from a secret or the environment is empty."""
    retry: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The resiliency policy for what it hands to the app; empty is none."""
    version: str = "v1"

    def words(self, option: str, separator: str = ",") -> list[str]:
        """Return the parts of an option that is a list."""
        parts = self.options.get(option, "").split(separator)
        return [part.strip() for part in parts if part.strip()]

    def pauses(self) -> Iterator[float]:
        """Yield the seconds before each new try that the policy allows."""
        duration, longest = self.retry.get("duration", "5s"), self.retry.get("maxInterval", "60s")
        for done in count():
            if not self.retry or done == self.retry.get("maxRetries"):
                return
            constant = self.retry.get("policy") == "constant"
            yield _seconds(duration) if constant else min(0.5 * 1.5**done, _seconds(longest))


def load(folder: Path, app_id: str) -> dict[str, Component]:
    """Return the components in scope for an app, by name; raises ValueError if two share one."""
    paths = sorted([*folder.glob("*.y*ml"), *folder.glob("components/*.y*ml")])
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    read = [each for p in paths for each in yaml.load_all(p.read_text("utf-8"), fast) if each]
    mine = [each for each in read if app_id in (each.get("scopes") or app_id)]
    retries = dict[str, Any]()
    for each in (each["spec"] for each in mine if each.get("kind") == "Resiliency"):
        for name, target in each.get("targets", {}).get("components", {}).items():
            if policy := target.get("inbound", {}).get("retry"):
                retries[name] = each["policies"]["retries"][policy]
    found: dict[str, Component] = {}
    for each in (each for each in mine if each.get("kind") == "Component"):
        name, spec = each["metadata"]["name"], each["spec"]
        if name in found:
            raise ValueError(f"{folder}: a second component is named '{name}'")
        given = {item["name"]: item.get("value", "") for item in spec.get("metadata") or ()}
        options = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in given.items()}
        found[name] = Component(name, spec["type"], options, retries.get(name, {}), spec["version"])
    return found


def _seconds(duration: str) -> float:
    """Return what Go writes as `1m30s` or `500ms`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(n) * units[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h)", duration))
