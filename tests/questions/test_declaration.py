"""The declaration at run time: the rendered file is read by the models that checked the answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.core.declaration import DeclarationError, Section, load
from app.core.declaration.agent import AgentConfig
from app.core.declaration.invocation import InvokeConfig
from app.core.declaration.pubsub import PubSubConfig
from app.core.declaration.state import StateConfig
from tests.rendering import PRESETS, ROOT

SECTIONS: dict[str, type[Section]] = {
    model.section: model for model in (PubSubConfig, StateConfig, InvokeConfig, AgentConfig)
}
SERVICE = {"service_name": "orders", "description": "Takes orders"}


def written(folder: Path, **sections: Any) -> Path:
    """Return a declaration with these sections."""
    path = folder / "service.yaml"
    path.write_text(yaml.safe_dump(sections))
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_what_was_answered_is_declared(name: str, rendered: Callable[..., Path]) -> None:
    """Every answer of a preset is found in the section of its feature."""
    declaration = load(rendered(name, service_type=name) / "app/service.yaml")
    preset = yaml.safe_load((ROOT / "presets" / f"{name}.yml").read_text())
    features = preset["features"]
    assert declaration.service.features == features
    assert declaration.service.port == preset["port"]
    assert sorted(declaration.sections) == sorted(set(features) - {"health"})
    if "pubsub" in features:
        pubsub = declaration.section(PubSubConfig)
        assert [topic.model_dump() for topic in pubsub.topics] == preset["topics"]
    if "state" in features:
        state = declaration.section(StateConfig)
        assert (state.key_prefix, state.ttl_seconds) == (
            preset["key_prefix"],
            preset["ttl_seconds"],
        )
    if "invocation" in features:
        invocation = declaration.section(InvokeConfig)
        assert [target.model_dump() for target in invocation.targets] == preset["targets"]
    if "agent" in features:
        agent = declaration.section(AgentConfig).model_dump()
        assert agent == {key: preset[key] for key in agent}


def test_what_yaml_reads_otherwise_is_what_was_answered(rendered: Callable[..., Path]) -> None:
    """A class may be called `No`, and without a point `1e-05` is a text."""
    features = ["health", "pubsub", "state", "agent"]
    topic = {"name": "orders.sent", "publish": True, "event_type": "No"}
    answers = {"features": features, "topics": [topic], "model": "m", "temperature": 1e-05}
    declaration = load(rendered("yaml", service_type="generic", **answers) / "app/service.yaml")
    assert [each.event_type for each in declaration.section(PubSubConfig).topics] == ["No"]
    assert declaration.section(AgentConfig).temperature == 1e-05


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({}, "service.yaml: service: Input should be"),
        (
            {"service": {**SERVICE, "port": 80}},
            "service.port: Input should be greater",
        ),
        ({"service": {"service_name": "a"}}, "service.yaml: service.description: Field required"),
        ({"service": {**SERVICE, "colour": 1}}, "service.yaml: service.colour: Extra inputs"),
        ({"service": {**SERVICE, "features": ["state"]}}, "state: section and feature go together"),
        ({"service": SERVICE, "state": {}}, "state: section and feature go together"),
    ],
)
def test_a_wrong_declaration(sections: dict[str, Any], message: str, tmp_path: Path) -> None:
    """One line a problem, with the place."""
    with pytest.raises(DeclarationError, match=message):
        load(written(tmp_path, **sections))


def test_a_wrong_section_is_told_where_it_is_used(tmp_path: Path) -> None:
    """The feature that reads its section tells what is wrong with it."""
    service = {**SERVICE, "features": ["pubsub"]}
    topics = [{"name": "Orders", "publish": True, "event_type": "OrderCreated"}]
    declaration = load(written(tmp_path, service=service, pubsub={"topics": topics}))
    with pytest.raises(DeclarationError, match=r"pubsub\.topics\.0\.name: String should match"):
        declaration.section(PubSubConfig)
    with pytest.raises(DeclarationError, match="state: Input should be"):
        declaration.section(StateConfig)


@pytest.mark.parametrize("text", ["a: b: c", "- a", "", "a: *b"])
def test_a_declaration_that_is_none(text: str, tmp_path: Path) -> None:
    """What is no YAML mapping is told as such."""
    path = tmp_path / "service.yaml"
    path.write_text(text)
    with pytest.raises(DeclarationError, match=r"service\.yaml (is no mapping|can.t be read)"):
        load(path)
    with pytest.raises(DeclarationError, match="No such file"):
        load(tmp_path / "missing.yaml")
