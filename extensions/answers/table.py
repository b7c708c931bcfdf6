"""Which answer belongs to which field of the declaration, and what Copier makes of its text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .declaration import Section, ServiceConfig
from .declaration.agent import AgentConfig
from .declaration.invocation import InvokeConfig
from .declaration.pubsub import PubSubConfig
from .declaration.state import StateConfig

Kind = Literal["str", "int", "float", "bool", "yaml", "choices"]

SECTIONS: Mapping[str, type[Section]] = {
    model.section: model
    for model in (ServiceConfig, PubSubConfig, StateConfig, InvokeConfig, AgentConfig)
}
FEATURES = ("health", *(name for name in SECTIONS if name != ServiceConfig.section))
PYTHON_VERSIONS = ("3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True)
class Question:
    """Where an answer goes, and the type of its question in copier.yml."""

    section: str
    field: str
    kind: Kind


QUESTIONS: Mapping[str, Question] = {
    "service_type": Question("service", "service_type", "str"),
    "service_name": Question("service", "service_name", "str"),
    "description": Question("service", "description", "str"),
    "version": Question("service", "version", "str"),
    "python_version": Question("service", "python_version", "str"),
    "port": Question("service", "port", "int"),
    "features": Question("service", "features", "choices"),
    "pubsub_component": Question("pubsub", "component_name", "str"),
    "consumer_group": Question("pubsub", "consumer_group", "str"),
    "topics": Question("pubsub", "topics", "yaml"),
    "state_component": Question("state", "component_name", "str"),
    "state_backend": Question("state", "backend", "str"),
    "key_prefix": Question("state", "key_prefix", "str"),
    "ttl_seconds": Question("state", "ttl_seconds", "yaml"),
    "use_etag": Question("state", "use_etag", "bool"),
    "targets": Question("invocation", "targets", "yaml"),
    "default_timeout_ms": Question("invocation", "default_timeout_ms", "int"),
    "max_retries": Question("invocation", "max_retries", "int"),
    "model": Question("agent", "model", "str"),
    "temperature": Question("agent", "temperature", "float"),
    "max_tokens": Question("agent", "max_tokens", "int"),
    "system_prompt_template": Question("agent", "system_prompt_template", "str"),
    "context_key": Question("agent", "context_key", "str"),
    "max_history": Question("agent", "max_history", "int"),
}

RETIRED: frozenset[str] = frozenset()
"""Questions of released versions that are gone: an update still brings their answers."""

COMPUTED = frozenset({"required_features"})
"""Computed answers that a preset may state."""


def is_on(section: str, answers: Mapping[str, object]) -> bool:
    """Whether the answers ask for a section."""
    features = answers.get("features")
    return section == "service" or (isinstance(features, list) and section in features)


def keys_of(section: str) -> list[str]:
    """Return the answers that make up a section."""
    return [key for key, question in QUESTIONS.items() if question.section == section]
