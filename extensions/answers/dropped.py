"""Answers that nobody needs: those of a feature that is off."""

from collections.abc import Iterator, Mapping
from typing import cast

from .table import SECTIONS, is_on, keys_of
from .writing import with_health


def dropped(given: Mapping[str, object], answers: Mapping[str, object]) -> Iterator[str]:
    """Yield a line for each feature that is off although answers to its questions were given."""
    features = with_health(cast("list[str]", answers["features"]))
    for section in SECTIONS:
        keys = [key for key in keys_of(section) if key in given]
        if keys and not is_on(section, answers):
            wanted = ", ".join([*features, section])
            yield (
                f"{', '.join(keys)}: dropped, as {section} is not among the features: "
                f"add it to keep them, for example [{wanted}]."
            )
