"""What each value is and what would be right: the words for what the models find wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAME = "lower-case letters, digits and single hyphens"
TIME = "milliseconds from 1 to 600000 (ten minutes)"


@dataclass(frozen=True)
class Advice:
    """After "is no …" comes `what`; after "use …" comes `use`, and an example."""

    what: str
    use: str
    example: object

    def __str__(self) -> str:
        """Return what would be right."""
        example = "true" if self.example is True else repr(self.example)
        return f"use {self.use}, for example {example}."


YES_OR_NO = Advice("answer", "true or false", True)
TOPIC = Advice(
    "topic", f"domain.action, each of {NAME}, a letter first, up to 249 in all", "learning.query"
)

ADVICE: Mapping[str, Advice] = {
    "service.service_name": Advice("service name", f"{NAME}, up to 46", "orders-service"),
    "service.service_type": Advice(
        "service type", "one that is asked for, in lower case", "generic"
    ),
    "service.description": Advice(
        "description",
        "up to 500 characters of text, without control characters",
        "Takes and ships orders",
    ),
    "service.version": Advice(
        "semantic version", "MAJOR.MINOR.PATCH, with -alpha.N, -beta.N or -rc.N if need be", "0.1.0"
    ),
    "service.python_version": Advice(
        "Python version to build on", "3.11 or later, in quotes", "3.12"
    ),
    "service.port": Advice("port to listen on", "a whole number from 1024 to 65535", 8000),
    "service.features[]": Advice("feature", "the name of a feature", "state"),
    "pubsub.component_name": Advice("component name", f"{NAME}, up to 63", "kafka-pubsub"),
    "pubsub.consumer_group": Advice(
        "consumer group",
        "letters, digits, dots, hyphens and underscores, a letter or digit at both ends, up to 180",
        "learning-services",
    ),
    "pubsub.topics[].name": TOPIC,
    "pubsub.topics[].subscribe": YES_OR_NO,
    "pubsub.topics[].publish": YES_OR_NO,
    "pubsub.topics[].event_type": Advice(
        "event model",
        "the name of a class, in PascalCase, 2 to 64 letters and digits",
        "OrderCreated",
    ),
    "pubsub.dead_letter_topic": TOPIC,
    "state.component_name": Advice("component name", f"{NAME}, up to 63", "state-store"),
    "state.backend": Advice("state backend", "redis or postgresql", "postgresql"),
    "state.key_prefix": Advice(
        "part of a key",
        "letters, digits, dots, hyphens and underscores, with colons between, up to 64, or nothing",
        "orders",
    ),
    "state.ttl_seconds": Advice(
        "time to live", "seconds from 1 to 2147483647, or nothing to keep it for good", 3600
    ),
    "state.use_etag": YES_OR_NO,
    "invocation.targets[].app_id": Advice(
        "app-id", f"the name of a service: {NAME}, up to 63", "debug-service"
    ),
    "invocation.targets[].methods[]": Advice(
        "method",
        "the path it is called by, without a leading slash, up to 200 characters",
        "explain_concept",
    ),
    "invocation.targets[].timeout_ms": Advice("time", TIME, 5000),
    "invocation.default_timeout_ms": Advice("time", TIME, 5000),
    "invocation.max_retries": Advice("number of retries", "a whole number from 0 to 10", 3),
    "agent.model": Advice(
        "model", "the name of a model, without blanks, up to 128 characters", "gpt-4.1-mini"
    ),
    "agent.temperature": Advice("temperature", "a number from 0 to 2", 0.7),
    "agent.max_tokens": Advice("number of tokens", "a whole number from 1 to 1000000", 2000),
    "agent.system_prompt_template": Advice(
        "prompt",
        "text up to 20000 characters, without control characters",
        "You are a helpful assistant.",
    ),
    "agent.context_key": Advice(
        "key of a conversation",
        "a key with {session_id} in it, up to 128 characters",
        "conversation:{session_id}",
    ),
    "agent.max_history": Advice("number of messages", "a whole number from 1 to 10000", 20),
}
"""By the field of a section; `[]` is an entry of a list."""


def advice_for(section: str, path: Sequence[int | str]) -> Advice | None:
    """Return the words for a field."""
    field = "".join("[]" if isinstance(part, int) else f".{part}" for part in path)
    return ADVICE.get(section + field)
