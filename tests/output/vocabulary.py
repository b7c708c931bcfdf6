"""The words of each feature: what a service without it must not have, in any part of it."""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache

TEXT: Mapping[str, str] = {
    "pubsub": r"""
        kafka | topic | pub/?sub | publish | subscri(be|ption) | (?<![a-z])events?(?![a-z])
        | consumer | broker | dead.?letter | (?<!exception.)handlers | deliver(y|ies)
        """,
    "state": r"""
        redis | postgres | e-?tag(?![a-z]) | (?<![a-z])ttl(?![a-z]) | key.?prefix
        | (?<![a-z])states?(?![a-z]) | statestore
        """,
    "invocation": r"invo[ck] | callee | (?-i:max_retries | default_timeout_ms)",
    "agent": r"""
        open.?ai | (?<![a-z])agents?(?![a-z]) | (?<![a-z])gpt | (?<![a-z])llm | prompt
        | temperature | max.?tokens | max.?history | language.model | conversation | completion
        | (?<![a-z])gen.?ai | opentelemetry
        """,
    "sidecar": r"dapr | side-?car | aiohttp",
}
"""What tells a feature in what a person reads; `sidecar` is what three of them need."""

NAMES: Mapping[str, str] = {
    "pubsub": r"kafka | pubsub | publish | subscri(be|ption) | cloud_?event | dead_?letter",
    "state": r"redis | postgres | etag(?![a-z]) | (?<![a-z])ttl(?![a-z]) | state_?store | state\.",
    "invocation": r"invo[ck]",
    "agent": r"""
        openai | agents | history | prompt | temperature | max_tokens | conversation_ | gen_ai
        | opentelemetry
        """,
    "sidecar": r"dapr | sidecar | aiohttp",
}
"""What tells it among the names of Python: `topic`, `event`, `agent` have more meanings there."""

PATHS: Mapping[str, str] = {
    "pubsub": r"/events | /dapr/ | /publish",
    "state": r"/v1\.0[^/]*/state",
    "invocation": r"/invoke",
    "agent": r"/chat | /v1/",
    "sidecar": r"/v1\.0",
}
"""What tells it among the texts in Python that a service runs on: parts of paths."""

NOT_MEANT = ("KAFKA_TRANSACTION_STATE_LOG",)
"""Names that others gave, with a word in them."""

Patterns = Mapping[str, re.Pattern[str]]


def patterns(words: Mapping[str, str]) -> Patterns:
    """Compile one of the vocabularies."""
    return {name: re.compile(each, re.IGNORECASE | re.VERBOSE) for name, each in words.items()}


def off(features: Collection[str]) -> list[str]:
    """Return the features whose words must not be found."""
    sidecar = {"sidecar"} if {"pubsub", "state", "invocation"} & set(features) else set[str]()
    return [name for name in TEXT if name not in sidecar.union(features)]


def found(text: str, features: Collection[str], words: Patterns) -> Iterator[str]:
    """Yield the features that are off, each with its words in `text`."""
    for feature in off(features):
        if matches := _matches(words[feature], text):
            yield f"{feature}: {', '.join(matches)}"


@cache  # most lines are the same in many services
def _matches(words: re.Pattern[str], text: str) -> list[str]:
    for name in NOT_MEANT:
        text = text.replace(name, "")
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)  # `EventStore` has an event in it
    return sorted({match[0] for each in (text, apart) for match in words.finditer(each)})
