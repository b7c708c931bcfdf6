"""A rendered service as these tests read it: its declaration, and its files."""

import tomllib
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """YAML as a strict parser reads it: a key that stands there twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping whose keys differ."""
        keys: list[object] = [
            self.construct_object(key, deep=True)  # pyright: ignore[reportUnknownMemberType]  # no annotations in the stubs
            for key, _ in node.value
        ]
        if twice := {str(key) for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(
                None, None, f"keys that stand there twice: {sorted(twice)}", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def parsed(text: str) -> list[Any]:
    """Return the documents of a YAML text."""
    return list(yaml.load_all(text, Loader=StrictLoader))


def metadata(component: Any) -> dict[str, Any]:
    """Return a Dapr component's metadata: name → its value, envRef or secretKeyRef."""
    items = component["spec"]["metadata"]
    assert len({item["name"] for item in items}) == len(items)
    return {
        item["name"]: next(value for key, value in item.items() if key != "name") for item in items
    }


@dataclass(frozen=True)
class Rendered:
    """One rendered service."""

    root: Path

    def text(self, path: str) -> str:
        """Return the text of a file."""
        return (self.root / path).read_text(encoding="utf-8")

    def yaml(self, path: str) -> Any:
        """Return the one document of a YAML file."""
        (document,) = self.documents(path)
        return document

    def documents(self, path: str) -> list[Any]:
        """Return the documents of a YAML file, or of all those in a folder that may be missing."""
        here = self.root / path
        files = [here] if here.is_file() else sorted(here.glob("*.yaml"))
        return [each for file in files for each in parsed(file.read_text(encoding="utf-8"))]

    def object(self, kind: str) -> Any:
        """Return the service's own object of a kind."""
        (found,) = [each for each in self.documents("k8s/base") if each["kind"] == kind]
        return found

    def components(self, folder: str) -> dict[str, Any]:
        """Return the Dapr components of a folder by name."""
        found = self.documents(folder)
        assert {each["kind"] for each in found} <= {"Component"}
        names = [each["metadata"]["name"] for each in found]
        assert len(set(names)) == len(names)
        return dict(zip(names, found, strict=True))

    def toml(self, path: str) -> dict[str, Any]:
        """Return the content of a TOML file."""
        return tomllib.loads(self.text(path))

    def has(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return (self.root / path).exists()

    def yaml_files(self) -> Iterator[Path]:
        """Return every YAML file, hidden ones included."""
        yield from (path for path in self.root.rglob("*") if path.suffix in {".yaml", ".yml"})

    @property
    def declaration(self) -> dict[str, Any]:
        """The declaration, `app/service.yaml`."""
        return self.yaml("app/service.yaml")

    @property
    def name(self) -> str:
        """The service's name, which is its app-id."""
        return self.declaration["service"]["service_name"]

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self.declaration["service"]["port"]

    @property
    def features(self) -> set[str]:
        """What the service consists of, health aside."""
        return set(self.declaration["service"]["features"]) - {"health"}

    @property
    def uses_sidecar(self) -> bool:
        """Whether it talks to Dapr at all."""
        return bool(self.features & {"pubsub", "state", "invocation"})

    def pod(self) -> dict[str, Any]:
        """Return the pod template of the Deployment."""
        return self.object("Deployment")["spec"]["template"]

    def container(self) -> dict[str, Any]:
        """Return the one container of the pod."""
        (container,) = self.pod()["spec"]["containers"]
        return container
