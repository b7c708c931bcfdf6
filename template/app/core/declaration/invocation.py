"""Invocation: which methods of which services a service calls."""

from collections import Counter
from typing import Annotated, Any, ClassVar, cast

from pydantic import AfterValidator, Field, model_validator

from .rules import Rule, Section, mistake
from .text import AppId, Milliseconds

Method = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$", max_length=200),
    Rule("method", "the path it is called by, without a leading slash", "explain_concept"),
]

Methods = Annotated[
    list[Method],
    Field(min_length=1),
    AfterValidator(lambda methods: list(dict.fromkeys(methods))),
]

Retries = Annotated[
    int,
    Field(ge=0, le=10),
    Rule("number of retries", "a whole number from 0 to 10", 3),
]


class InvokeTarget(Section):
    """A service that may be called, and its methods."""

    app_id: AppId
    methods: Methods
    timeout_ms: Milliseconds = 5000


def _once_each(targets: list[InvokeTarget]) -> list[InvokeTarget]:
    times = Counter(target.app_id for target in targets)
    if twice := [app_id for app_id, count in times.items() if count > 1]:
        raise mistake(
            f"{', '.join(map(repr, twice))} stands there more than once: keep one entry a service, "
            "for example with 'methods: [review_code, explain_review]'."
        )
    return targets


class InvokeConfig(Section):
    """Calls of other services through Dapr."""

    section: ClassVar[str] = "invocation"

    targets: Annotated[list[InvokeTarget], AfterValidator(_once_each)] = Field(
        default_factory=list[InvokeTarget]
    )
    default_timeout_ms: Milliseconds = 5000
    """For targets that say nothing themselves."""
    max_retries: Retries = 3

    @model_validator(mode="before")
    @classmethod
    def _fill_in_timeouts(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return cast("object", data)
        section = cast("dict[str, Any]", data)
        targets, default = section.get("targets"), section.get("default_timeout_ms")
        if not isinstance(targets, list) or default is None:
            return section
        return section | {
            "targets": [
                {"timeout_ms": default} | cast("dict[str, Any]", target)
                if isinstance(target, dict)
                else target
                for target in cast("list[object]", targets)
            ]
        }
