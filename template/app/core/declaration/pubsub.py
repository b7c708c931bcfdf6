"""Topics: what a service listens to and what it tells."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from .service import KEBAB, Section

TOPIC = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$"
GROUP = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"


class PubSubTopic(Section):
    """A topic, and what the service has to do with it."""

    name: str = Field(pattern=TOPIC, max_length=249)
    subscribe: bool = False
    publish: bool = False
    event_type: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$", min_length=2, max_length=64)

    @model_validator(mode="after")
    def _is_used(self) -> Self:
        if not (self.subscribe or self.publish):
            raise ValueError("neither subscribe nor publish is true")
        return self


class PubSubConfig(Section):
    """Events through a Dapr pub/sub component."""

    section: ClassVar[str] = "pubsub"

    component_name: str = Field(default="kafka-pubsub", pattern=KEBAB, max_length=63)
    topics: list[PubSubTopic] = Field(default_factory=list[PubSubTopic])
    consumer_group: str = Field(default="learning-services", pattern=GROUP, max_length=180)
    """First part of the consumer groups; a service's own ends with its app-id."""
    dead_letter_topic: str = Field(default="dead-letter.queue", pattern=TOPIC)
