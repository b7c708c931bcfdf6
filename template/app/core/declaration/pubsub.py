"""Topics: what a service listens to and what it tells."""

from collections import Counter
from keyword import iskeyword
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from .rules import Rule, Section, mistake
from .text import ComponentName, NoYamlWord, YesOrNo

TopicName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$",
        max_length=249,
    ),
    Rule("topic", "domain.action in lower case", "learning.query"),
]


def _class_name(name: str) -> str:
    if iskeyword(name) or name.isupper():
        raise ValueError
    return name


EventType = Annotated[
    str,
    Field(pattern=r"^[A-Z][A-Za-z0-9]*$", min_length=2, max_length=64),
    AfterValidator(_class_name),
    NoYamlWord,
    Rule("event model", "the name of a class, in PascalCase", "OrderCreated"),
]

ConsumerGroup = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", max_length=180),
    Rule("consumer group", "letters, digits, dots, hyphens and underscores", "learning-services"),
]


class PubSubTopic(Section):
    """A topic, and what the service has to do with it."""

    name: TopicName
    subscribe: YesOrNo = False
    publish: YesOrNo = False
    event_type: EventType
    """The class of its events."""

    @model_validator(mode="after")
    def _is_used(self) -> Self:
        if not (self.subscribe or self.publish):
            raise mistake(
                f"{self.name!r} is neither read nor written: "
                "add subscribe or publish, for example 'subscribe: true'."
            )
        return self


def _once_each(topics: list[PubSubTopic]) -> list[PubSubTopic]:
    times = Counter(topic.name for topic in topics)
    if twice := [name for name, count in times.items() if count > 1]:
        raise mistake(
            f"{', '.join(map(repr, twice))} stands there more than once: keep one entry a topic, "
            "for example with 'subscribe: true, publish: true'."
        )
    return topics


class PubSubConfig(Section):
    """Events through a Dapr pub/sub component."""

    section: ClassVar[str] = "pubsub"

    component_name: ComponentName = "kafka-pubsub"
    topics: Annotated[list[PubSubTopic], AfterValidator(_once_each)] = Field(
        default_factory=list[PubSubTopic]
    )
    consumer_group: ConsumerGroup = "learning-services"
    """Common first part of the consumer groups; a service's own ends with its app-id."""
    dead_letter_topic: TopicName = "dead-letter.queue"
    """Where events go that can't be handled."""
